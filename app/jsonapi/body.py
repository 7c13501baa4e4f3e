"""Reading a request body: strict JSON, then the JSON:API envelope, before any schema sees it."""

from collections.abc import Mapping
from typing import Any

import orjson

from app.jsonapi.errors import BadRequest, Unprocessable

DEPTH = 32
"""How deep a body may nest; documents of this API need eight levels."""


def read_json(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    """The JSON value of the body.

    NaN, infinities, lone surrogates, invalid UTF-8 and trailing text are refused by the parser with 400; so are
    nesting beyond ``DEPTH`` and NUL characters, which no database column takes.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # The parser's message names the position, not the content.
        raise BadRequest(f"The request body is not valid JSON: {error.msg}") from None
    _check_tree(value)
    return value


def _check_tree(value: object) -> None:
    # Breadth first, without recursion: the depth is what is being bounded.
    level: list[object] = [value]
    for _ in range(DEPTH):
        deeper: list[object] = []
        for node in level:
            if isinstance(node, str):
                if "\0" in node:
                    raise BadRequest("The request body contains a NUL character")
            elif isinstance(node, dict):
                deeper.extend(node)
                deeper.extend(node.values())
            elif isinstance(node, list):
                deeper.extend(node)
        if not deeper:
            return
        level = deeper
    raise BadRequest(f"The request body is nested more than {DEPTH} levels deep")


def resource_object(value: object, types: tuple[str, ...], identifier: str | None = None) -> dict[str, Any]:
    """The resource object of a document ``{"data": {…}}`` with its members checked for shape.

    ``types`` are the accepted values of ``type``, all of them when empty; ``identifier`` is the id in the address,
    which an ``id`` in the document must repeat.
    """
    data = primary_data(value)
    if not isinstance(data, dict):
        raise Unprocessable("data must be an object", pointer="/data")
    check_type(data.get("type"), types, "/data/type")
    if identifier is not None and data.get("id") not in (None, "", identifier):
        raise Unprocessable("id must be the one in the address", pointer="/data/id")
    for member in ("attributes", "relationships"):
        if not isinstance(data.get(member) or {}, dict):
            raise Unprocessable(f"{member} must be an object", pointer=f"/data/{member}")
    return data


def resource_list(value: object, types: tuple[str, ...], limit: int) -> list[dict[str, Any]]:
    """The resource objects of a document ``{"data": […]}``, at most ``limit`` of them."""
    data = primary_data(value)
    if not isinstance(data, list):
        raise Unprocessable("data must be an array", pointer="/data")
    return checked_list(data, types, limit, "/data")


def checked_list(data: list[Any], types: tuple[str, ...], limit: int, pointer: str) -> list[dict[str, Any]]:
    """The items as objects of one of the types; the pointer names the list in the document."""
    if len(data) > limit:
        raise Unprocessable(f"data must not have more than {limit} items", pointer=pointer)
    for index, item in enumerate(data):
        if not isinstance(item, dict):
            raise Unprocessable("data must contain objects", pointer=f"{pointer}/{index}")
        check_type(item.get("type"), types, f"{pointer}/{index}/type")
    return data


def identifiers(items: list[dict[str, Any]]) -> list[str]:
    """The ``id`` of each resource identifier; texts only."""
    for index, item in enumerate(items):
        if not isinstance(item.get("id"), str) or not item["id"]:
            raise Unprocessable("id must be a string", pointer=f"/data/{index}/id")
    return [item["id"] for item in items]


def primary_data(value: object) -> object:
    """The ``data`` member of the document."""
    if not isinstance(value, Mapping) or "data" not in value:
        raise Unprocessable("The document must be an object with a data member", pointer="")
    return value["data"]


def check_type(given: object, types: tuple[str, ...], pointer: str) -> None:
    """Refuse another ``type`` than the expected; HCP Terraform answers it like any malformed document."""
    if types and given not in types:
        raise Unprocessable(f"type must be {types[0]}", pointer=pointer)
