"""The names in an API document: operations, attributes, relationships, query parameters and includes.

``hcp_names.json`` holds the names of HCP Terraform's own OpenAPI document, which HashiCorp publishes. To renew the file
from a newer document:

    .venv/bin/python -m tests.contract.hcp_names path/to/openapi.json

Nothing else of that document is kept: no descriptions and no schemas.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.contract.description import operations, placeless, resolved

FILE = Path(__file__).with_name("hcp_names.json")

ANSWER = "answer"
BODY = "body"
# A description of a resource serves bodies and answers alike; this marks what it has for the other one alone.
MARKED_OUT = {ANSWER: "writeOnly", BODY: "readOnly"}


class Resource(NamedTuple):
    """The resource object in a body or an answer. Bodies have no relationships here: they are not compared."""

    type: str
    attributes: list[str]
    relationships: list[str]


class Operation(NamedTuple):
    """One operation: its statuses of success, what it takes in the query string, and its resource objects."""

    statuses: list[str]
    query: list[str]
    include: list[str]
    answer: Resource
    body: Resource


def operations_of(document: dict[str, Any]) -> dict[str, Operation]:
    """Every operation of the document, by its method and its address without the names of parameters."""
    return {
        f"{method.upper()} {placeless(path)}": _operation(document, operation)
        for path, method, operation in operations(document)
    }


def read() -> dict[str, Operation]:
    """What HCP Terraform's document says, from the file."""
    names = json.loads(FILE.read_text(encoding="utf-8"))
    resources = {key: Resource(key.partition(" ")[0], *lists) for key, lists in names["resources"].items()}
    nothing = Resource("", [], [])
    return {
        key: Operation(
            each["statuses"],
            each.get("query", []),
            each.get("include", []),
            resources.get(each.get(ANSWER, ""), nothing),
            resources.get(each.get(BODY, ""), nothing),
        )
        for key, each in names["operations"].items()
    }


def as_text(document: dict[str, Any]) -> str:
    """The content of the file for this document: one line for each resource and operation."""
    keys: dict[tuple[str, str], str] = {}
    resources: dict[str, Any] = {}
    lines: dict[str, Any] = {}
    for name, operation in sorted(operations_of(document).items()):
        line: dict[str, Any] = {"statuses": operation.statuses}
        line |= {"query": operation.query} if operation.query else {}
        line |= {"include": operation.include} if operation.include else {}
        for where, resource in ((ANSWER, operation.answer), (BODY, operation.body)):
            if resource.attributes or resource.relationships:
                line[where] = _key(resource, keys, resources)
        lines[name] = line
    parts = {"resources": dict(sorted(resources.items())), "operations": lines}
    return (
        "{\n"
        + ",\n".join(
            f'"{part}": {{\n'
            + ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in named.items())
            + "\n}"
            for part, named in parts.items()
        )
        + "\n}\n"
    )


def _key(resource: Resource, keys: dict[tuple[str, str], str], resources: dict[str, Any]) -> str:
    # The first description of a type has the name of the type, and each other one a number behind it.
    lists = (resource.attributes, resource.relationships)
    known = (resource.type, json.dumps(lists))
    if known not in keys:
        number = sum(type_ == resource.type for type_, _ in keys) + 1
        name = resource.type or "untyped"
        keys[known] = f"{name} {number}" if number > 1 else name
        resources[keys[known]] = lists
    return keys[known]


def _operation(document: dict[str, Any], operation: Mapping[str, Any]) -> Operation:
    parameters = [resolved(document, each) for each in operation.get("parameters", ())]
    query = {each["name"]: each.get("schema", {}) for each in parameters if each["in"] == "query"}
    return Operation(
        _successes(operation),
        sorted(query),
        sorted(query.get("include", {}).get("items", {}).get("enum", ())),
        _resource(document, operation, ANSWER),
        _resource(document, operation, BODY),
    )


def _successes(operation: Mapping[str, Any]) -> list[str]:
    return sorted(status for status in operation["responses"] if status.startswith("2"))


def _resource(document: dict[str, Any], operation: Mapping[str, Any], where: str) -> Resource:
    data = _data(document, operation, where)
    members = _members(document, data, MARKED_OUT[where])
    named = {
        group: sorted(_members(document, members.get(group, {}), MARKED_OUT[where]))
        for group in ("attributes", "relationships")
    }
    return Resource(_type(document, data), named["attributes"], named["relationships"] if where == ANSWER else [])


def _data(document: dict[str, Any], operation: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The schema of ``data`` in the body or in the successful answer; empty when there is none."""
    if where == BODY:
        given = resolved(document, operation.get("requestBody", {}))
    else:
        given = resolved(document, operation["responses"].get(min(_successes(operation), default=""), {}))
    contents: list[dict[str, Any]] = list(given.get("content", {}).values())
    data: dict[str, Any] = _members(document, contents[0].get("schema", {}) if contents else {}).get("data", {})
    return data


def _type(document: dict[str, Any], data: dict[str, Any]) -> str:
    type_ = _members(document, data).get("type", {})
    while "allOf" in type_:
        # Of several variants, the first one gives its name to the resource.
        type_ = type_["allOf"][0]
    return str(type_.get("const") or next(iter(type_.get("enum", ())), ""))


def _members(document: dict[str, Any], schema: dict[str, Any], unless: str = "") -> dict[str, Any]:
    """The members of an object, of each of its variants, or of the objects in an array; not those marked otherwise."""
    schema = resolved(document, schema)
    found = dict(schema.get("properties", {}))
    variants = (*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ()))
    for variant in (*variants, *([schema["items"]] if "items" in schema else ())):
        for name, member in _members(document, variant, unless).items():
            # What several variants have is all that any of them says of it.
            found[name] = {"allOf": [found[name], member]} if name in found else member
    return {name: member for name, member in found.items() if not member.get(unless)}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    FILE.write_text(as_text(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))), encoding="utf-8")
