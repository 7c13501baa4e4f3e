"""The API document, and what is wrong with an answer by it."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "docs" / "openapi.json"
METHODS = ("delete", "get", "patch", "post", "put")


def committed() -> dict[str, Any]:
    """The document in the repository."""
    found: dict[str, Any] = json.loads(COMMITTED.read_text(encoding="utf-8"))
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Address, method and operation, in the order of the document."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield path, method, operation


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """What a reference leads to, or the schema itself."""
    while "$ref" in schema:
        found: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


class Description:
    """Holds answers against a document, strictly: what it does not mention must not be there."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._operations = {(path, method): operation for path, method, operation in operations(document)}
        self._validator = self._make_validator()

    def faults(self, path: str, method: str, status: int, headers: Mapping[str, str], body: bytes) -> list[str]:
        """What the answer has that its description does not allow."""
        documented = self._operations[path, method]["responses"].get(str(status))
        if documented is None:
            return [f"status {status} is not documented"]
        response = resolved(self.document, documented)
        given = {name.lower(): value for name, value in headers.items()}
        faults = [f"header {name} is missing" for name in response["headers"] if name.lower() not in given]
        content = response.get("content")
        if content is None:
            return faults + (["it has a body"] if body else [])
        media_type = given.get("content-type", "").partition(";")[0]
        if media_type not in content:
            return [*faults, f"media type {media_type!r} is not documented"]
        if not media_type.endswith("json"):
            return faults
        name = _name(content[media_type]["schema"])
        return faults + [
            f"{error.message} at {'/'.join(map(str, list(error.instance_path)[1:]))}"
            for error in self._validator.iter_errors({name: json.loads(body)})
        ]

    def _make_validator(self) -> jsonschema_rs.Draft202012Validator:
        """One for all answers, each of which is a member with the name of its schema.

        A validator for each of them would compile all components again, which takes 2 MB and 10 ms a time.
        """
        answers = {
            _name(content["schema"]): strict(content["schema"])
            for operation in self._operations.values()
            for response in operation["responses"].values()
            for content in resolved(self.document, response).get("content", {}).values()
        }
        whole = {"properties": answers, "components": strict(self.document["components"])}
        return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def _name(schema: dict[str, Any]) -> str:
    return json.dumps(schema)


def strict(schema: Any) -> Any:
    """The schema with objects closed that do not say that they are open."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: strict(value) for key, value in schema.items()}
    if inner.get("type") == "object" and "properties" in inner:
        inner.setdefault("additionalProperties", False)
    return inner


def placeless(path: str) -> str:
    """The address without its base and the names of its parameters, to compare it with another document's."""
    return re.sub(r"\{[^}]*\}", "{}", path.removeprefix("/api/v2"))
