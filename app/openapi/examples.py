"""Documents that a client can send as they are, made from the examples of the schemas."""

from collections.abc import Mapping
from typing import Any

from app.jsonapi.fields import BaseAttribute, ToOne
from app.jsonapi.schema import Schema

# Ids look like this; a caller puts the id of a resource of their own in its place.
IDENTIFIERS: Mapping[str, str] = {
    "organizations": "acme",
    "projects": "prj-WsVcWRr7SfxRci1v",
    "state-versions": "sv-PgEBW9ZpVQ7fqfKr",
    "tasks": "task-aB3dE5gH7jK9mN2p",
    "teams": "team-gubpd6ViCa5vYUaE",
    "users": "user-62goNpx1ThQf689e",
    "workspaces": "ws-6fHMCom98SDXSQUv",
}


def example_document(schema_type: type[Schema], *, many: bool) -> dict[str, Any]:
    """A document that creates a resource of the schema: everything that is required, and attributes with an example.

    Raises ``ValueError`` if something that is required has no example.
    """
    attributes: dict[str, Any] = {}
    relationships: dict[str, Any] = {}
    schema = schema_type()
    for name, member in schema.fields.items():
        if name == "id" or member.dump_only:
            continue
        key = str(member.data_key)
        if isinstance(member, BaseAttribute) and member.example is not None:
            attributes[key] = member.example
        elif isinstance(member, ToOne) and (member.required or name in schema.opts.in_example):
            type_ = next(type_ for type_ in member.types if type_ in IDENTIFIERS)
            relationships[key] = {"data": {"type": type_, "id": IDENTIFIERS[type_]}}
        elif member.required:
            message = f"{schema_type.__name__}.{name} is required and has no example"
            raise ValueError(message)
    item: dict[str, Any] = {"type": schema_type.Meta.type_}
    if attributes:
        item["attributes"] = attributes
    if relationships:
        item["relationships"] = relationships
    return {"data": [item] if many else item}
