"""Reading a request body: strict JSON, then the outer shape of a JSON:API document. Schemas come afterwards."""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from app.jsonapi import Json
from app.jsonapi.errors import BadRequest, Unprocessable
from app.persistence import fold_case

DEPTH = 32
"""How deep a body may nest; documents of this API need eight levels."""


def read_json(body: bytes) -> Json:
    """The JSON value of the body.

    400 if the parser refuses it (NaN, infinities, lone surrogates, invalid UTF-8, trailing text), for nesting beyond
    ``DEPTH``, for NUL characters, which PostgreSQL can't store, and for keys that occur twice in an object.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # The parser's message names the position, not the content.
        raise BadRequest(f"The request body is not valid JSON: {error.msg}") from None
    _check_tree(value)
    # The fast parser uses the last of two equal keys, where another reader of the same body might use the first.
    json.loads(body, object_pairs_hook=_each_once, parse_int=str)
    return value


def _check_tree(value: object) -> None:
    # Breadth first, without recursion, because the depth is not limited yet.
    level: list[object] = [value]
    depth = 0
    while level:
        deeper: list[object] = []
        for node in level:
            if isinstance(node, str):
                if "\0" in node:
                    raise BadRequest("The request body contains a NUL character")
            elif isinstance(node, dict | list):
                if depth == DEPTH:
                    raise BadRequest(f"The request body is nested more than {DEPTH} levels deep")
                deeper.extend(node)
                if isinstance(node, dict):
                    deeper.extend(node.values())
        level = deeper
        depth += 1


def _each_once(members: list[tuple[str, object]]) -> None:
    names = [name for name, _ in members]
    if len(set(names)) < len(names):
        raise BadRequest("The request body has an object with two members of the same name")


def resource_object(value: object, types: tuple[str, ...], identifier: str | None = None) -> dict[str, Any]:
    """Check the shape of a document ``{"data": {…}}``, and return its resource object.

    ``types`` are the accepted values of ``type``; if it is empty, any is accepted. ``identifier`` is the id in the
    address; an ``id`` in the document must be equal to it.
    """
    data = primary_data(value)
    if not isinstance(data, dict):
        raise Unprocessable("data must be an object", pointer="/data")
    check_type(data.get("type"), types, "/data/type")
    # The name of an organization in an address is compared without regard to case.
    if identifier is not None and fold_case(str(data.get("id") or identifier)) != fold_case(identifier):
        raise Unprocessable("id must be the one in the address", pointer="/data/id")
    for member in ("attributes", "relationships"):
        if data.get(member) is not None and not isinstance(data[member], dict):
            raise Unprocessable(f"{member} must be an object", pointer=f"/data/{member}")
    return data


def resource_list(value: object, types: tuple[str, ...], limit: int) -> list[dict[str, Any]]:
    """The resource objects of a document ``{"data": […]}``, at most ``limit`` of them."""
    data = primary_data(value)
    if not isinstance(data, list):
        raise Unprocessable("data must be an array", pointer="/data")
    return checked_list(data, types, limit, "/data")


def checked_list(data: list[Any], types: tuple[str, ...], limit: int, pointer: str) -> list[dict[str, Any]]:
    """Check that each item is an object of one of the types, and return them. ``pointer`` names the list in errors."""
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


def identifiers_at(items: list[Any], type_: str, pointer: str, limit: int) -> list[str]:
    """The ids of the resource identifiers in the list, without duplicates. ``pointer`` names the list in errors."""
    for index, item in enumerate(checked_list(items, (type_,), limit, pointer)):
        if not isinstance(item.get("id"), str) or not item["id"]:
            raise Unprocessable("id must be a string", pointer=f"{pointer}/{index}/id")
    return list(dict.fromkeys(item["id"] for item in items))


def primary_data(value: object) -> object:
    """The document's ``data``."""
    if not isinstance(value, Mapping) or "data" not in value:
        raise Unprocessable("The document must be an object with a data member", pointer="")
    return value["data"]


def check_type(given: object, types: tuple[str, ...], pointer: str) -> None:
    """Refuse the ``type`` of another resource, as HCP Terraform refuses a malformed document."""
    if types and matching_type(given, types) is None:
        raise Unprocessable(f"type must be {types[0]}", pointer=pointer)


def identifier_of(linkage: object, types: tuple[str, ...]) -> tuple[str, str] | None:
    """The type and the id in a resource identifier of one of the types; None if it is none."""
    if not isinstance(linkage, dict) or not isinstance(linkage.get("id"), str):
        return None
    given = linkage.get("type")
    # Of several types, one has to be named.
    kind = matching_type(given, types) if given or len(types) == 1 else None
    return None if kind is None else (kind, linkage["id"])


def matching_type(given: object, types: tuple[str, ...]) -> str | None:
    """The type that is meant; None for another one.

    Clients leave it out, and write it in the singular or with underscores, where the address leaves no doubt.
    """
    if given is None or given == "":
        return types[0]
    spelling = given.replace("_", "-") if isinstance(given, str) else ""
    return next((type_ for type_ in types if type_ in {spelling, f"{spelling}s"}), None)
