"""The page of all attributes of all resources, made from the schemas and from the routes that use them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from marshmallow.fields import Field
from sqlalchemy import Column
from sqlalchemy.orm import QueryableAttribute

from app.jsonapi.fields import BaseAttribute, Constant
from app.jsonapi.schema import Schema, describe_attribute
from app.openapi.routes import Route, routes_of
from app.persistence import Expression

HEAD = """# Attributes

Made by `flask attributes-table`; a test holds it equal to the code. It has every attribute of every type of resource.

- **default** is the value of a new resource that was sent without the attribute. It is empty where there is none, or
  where the meaning tells.
- **set** says when a client can send the attribute: `create`, `change`, or both. An attribute without either is the
  service's own: what clients send for it is ignored or refused.
- **effect** is `no` for an attribute that the service only stores and shows, because it does not have the feature yet.
- The permissions are those of the routes. [Permissions](permissions.md) says who has them.
"""
WRITES = {"post": "create", "patch": "change", "put": "change"}


@dataclass
class _Type:
    """What the routes tell about one type of resource."""

    shown: list[type[Schema]] = field(default_factory=list)
    sent: list[tuple[str, type[Schema]]] = field(default_factory=list)
    permissions: dict[str, set[str]] = field(default_factory=dict)
    columns: dict[str, Expression] = field(default_factory=dict)


@dataclass
class _Attribute:
    """One line of the page."""

    description: str = ""
    default: str = ""
    writes: set[str] = field(default_factory=set)
    has_effect: bool = True
    shown_to: str | None = None

    def line(self, name: str) -> str:
        """The line of a table in Markdown."""
        text = self.description
        if self.shown_to:
            text += f" Null for a caller without `{self.shown_to}`."
        writes = ", ".join(sorted(self.writes, reverse=True))
        cells = (f"`{name}`", text, self.default, writes, "yes" if self.has_effect else "no")
        return f"| {' | '.join(cells)} |\n"


def attributes_page(app: Flask) -> str:
    """The whole page, in Markdown."""
    types = collect_types(routes_of(app))
    return HEAD + "".join(_section(name, type_) for name, type_ in sorted(types.items()))


def collect_types(routes: Iterable[Route]) -> dict[str, _Type]:
    """The schemas of each type that the routes accept and answer with."""
    types: dict[str, _Type] = {}
    for route in routes:
        operation = route.operation
        listing = operation.listing
        for schema in (listing.schema if listing else None, operation.answer, operation.otherwise):
            if isinstance(schema, type) and schema.Meta.type_:
                type_ = types.setdefault(schema.Meta.type_, _Type())
                type_.shown.append(schema)
                if listing and schema is listing.schema:
                    type_.columns.update(listing.expressions)
        if isinstance(operation.body, type):
            type_ = types.setdefault(operation.body.Meta.type_, _Type())
            write = WRITES[route.method]
            type_.sent.append((write, operation.body))
            type_.permissions.setdefault(write, set()).update(map(str, route.permissions))
    return types


def attributes_of(type_: _Type) -> Mapping[str, "_Attribute"]:
    """The attributes of the type by their names in documents, in the order in which the schemas declare them."""
    attributes: dict[str, _Attribute] = {}
    for write, schema in [*((None, schema) for schema in type_.shown), *type_.sent]:
        for name, member in _declared(schema):
            if not member.load_only or write:
                line = attributes.setdefault(str(member.data_key), _Attribute())
                line.description = line.description or describe_attribute(schema, str(member.data_key))
                line.has_effect = line.has_effect and member.has_effect
                line.shown_to = line.shown_to or (str(member.shown_to) if member.shown_to else None)
                if write and not member.dump_only:
                    line.writes.add(write)
                    line.default = line.default or _default(member, type_.columns.get(member.attribute or name))
    return attributes


def _declared(schema: type[Schema]) -> Iterator[tuple[str, BaseAttribute]]:
    members: Mapping[str, Field[Any]] = schema().fields
    for name, member in members.items():
        if isinstance(member, BaseAttribute) and name != "id":
            yield name, member


def _default(member: BaseAttribute, column: Expression | None) -> str:
    if member.required:
        return "(required)"
    if isinstance(member, Constant):
        return _json(member.value)
    source = column.property.columns[0] if isinstance(column, QueryableAttribute) else column
    if not isinstance(source, Column):
        return ""
    if source.default is not None and source.default.is_scalar:
        return _json(source.default.arg)  # type: ignore[attr-defined]
    return "null" if source.nullable else ""


def _json(value: object) -> str:
    texts = {None: "null", True: "true", False: "false"}
    return f"`{texts[value] if value is None or isinstance(value, bool) else value}`"


def _section(name: str, type_: _Type) -> str:
    asked = [
        f"`{write}` asks for {', '.join(f'`{permission}`' for permission in sorted(permissions))}"
        for write, permissions in sorted(type_.permissions.items(), reverse=True)
        if permissions
    ]
    lines = [f"\n## {name}\n\n"]
    if asked:
        lines.append(f"{'; '.join(asked)}.\n\n")
    lines.append("| attribute | meaning | default | set | effect |\n|---|---|---|---|---|\n")
    lines += [attribute.line(key) for key, attribute in attributes_of(type_).items()]
    return "".join(lines)
