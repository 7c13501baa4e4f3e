"""Makes resource objects from rows, fast.

The schema is the only description of a resource. The library iterates over its fields for every row, which costs more
than the rest of a list request. Here this is done once, to build a plain function. A property test checks, for every
schema, that the function and the library give the same result.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import Any

from marshmallow_jsonapi.fields import BaseRelationship

from app.authz.permissions import P
from app.jsonapi.fields import BaseAttribute, Computed, Constant, DateTime, Links, ToMany, ToOne, format_timestamp
from app.jsonapi.schema import Schema
from app.persistence import SEPARATOR, AnyRow

Row = Sequence[Any]
Show = Callable[[Any, Any], Any]
Fill = Callable[[Row, Any], Any]
Link = Callable[[Row], str]
Dump = Callable[[Any, Any], dict[str, Any]]

_NULL_LINKAGE = {"data": None}


@dataclass(slots=True)
class _Members:
    """The fields of a schema, grouped by the source of their values."""

    plain: dict[str, int] = field(default_factory=dict)
    moments: dict[str, int] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    computed: dict[str, Show] = field(default_factory=dict)
    relationships: dict[str, Fill | None] = field(default_factory=dict)
    """None for relationships that show nothing for any row."""


def compile_dump(schema_type: type[Schema], columns: Sequence[str]) -> Dump:
    """A function that makes a resource object from a row with these columns and the caller's permissions on it."""
    schema = schema_type()
    at = {name: index for index, name in enumerate(columns)}
    type_ = schema.opts.type_
    identifier = at[schema.fields["id"].attribute or "id"]
    members = _sorted_out(schema, at)
    moments, constants, computed = list(members.moments.items()), members.constants, list(members.computed.items())
    # In the order of the schema, with the parts that are the same for every row; the others are filled in.
    blank = dict.fromkeys(members.relationships, _NULL_LINKAGE)
    filled = [(key, fill) for key, fill in members.relationships.items() if fill is not None]
    plain, pick = tuple(members.plain), _picker(members.plain)
    links = [
        (name, _template(template, at))
        for name, template in (
            ("self", schema.opts.self_link),
            ("self-html", schema.opts.page_link),
            *schema.opts.more_links.items(),
        )
        if template
    ]

    def dump(row: AnyRow, held: frozenset[P]) -> dict[str, Any]:
        attributes = dict(zip(plain, pick(row), strict=True))
        attributes.update(constants)
        for key, index in moments:
            attributes[key] = format_timestamp(row[index])
        for key, make in computed:
            attributes[key] = make(row, held)
        resource = {"id": row[identifier], "type": type_, "attributes": attributes}
        if blank:
            relationships = resource["relationships"] = blank.copy()
            for key, fill in filled:
                relationships[key] = fill(row, held)
        if links:
            shown = resource["links"] = {}
            for name, link in links:
                shown[name] = link(row)
        return resource

    return dump


def _sorted_out(schema: Schema, at: dict[str, int]) -> _Members:
    members = _Members()
    for name, member in schema.fields.items():
        key = member.data_key or name
        if name == "id" or member.load_only:
            continue
        if isinstance(member, BaseRelationship):
            members.relationships[key] = _relationship(member, at)
        elif isinstance(member, Constant):
            members.constants[key] = member.value
        elif isinstance(member, BaseAttribute) and member.shown_to is not None:
            members.computed[key] = _protected(_show(member, name, at), member.shown_to)
        elif isinstance(member, Computed):
            members.computed[key] = member.make
        else:
            (members.moments if isinstance(member, DateTime) else members.plain)[key] = at[member.attribute or name]
    return members


def _show(member: BaseAttribute, name: str, at: dict[str, int]) -> Show:
    if isinstance(member, Computed):
        return member.make
    index = at[member.attribute or name]
    if isinstance(member, DateTime):
        return lambda row, _held: format_timestamp(row[index])
    return lambda row, _held: row[index]


def _protected(show: Show, permission: P) -> Show:
    return lambda row, held: show(row, held) if permission in held else None


def _picker(plain: dict[str, int]) -> Callable[[Row], Sequence[Any]]:
    # With one index, itemgetter would give the value and not a tuple of it.
    return itemgetter(*plain.values()) if len(plain) > 1 else lambda row: [row[index] for index in plain.values()]


def _template(template: str, at: dict[str, int]) -> Callable[[Row], str]:
    pattern = re.sub(r"\{\w+\}", "%s", template.replace("%", "%%"))
    indexes = [at[column] for column in re.findall(r"\{(\w+)\}", template)]
    if len(indexes) == 1:
        # Most have one column, and this is faster.
        (before, after), (index,) = re.split(r"\{\w+\}", template), indexes
        return lambda row: f"{before}{row[index]}{after}"
    pick = itemgetter(*indexes)
    return lambda row: pattern % pick(row)


def _relationship(member: BaseRelationship, at: dict[str, int]) -> Fill | None:
    if isinstance(member, ToOne):
        return _to_one(member, at)
    if isinstance(member, ToMany) and member.column:
        return _to_many(member, member.column, _template(member.related, at) if member.related else None)
    if isinstance(member, Links | ToMany) and member.related:
        related = _template(member.related, at)
        return lambda row, _held: {"links": {"related": related(row)}}
    return lambda _row, _held: {}


def _to_many(member: ToMany, column: str, related: Link | None) -> Fill:
    # By name: listings put some lists beside the columns.
    type_, permission, ids_of = member.types[0], member.shown_to, attrgetter(column)

    def fill(row: Row, held: Any) -> dict[str, Any]:  # noqa: ANN401 - permissions
        listed = ids_of(row) if permission is None or permission in held else None
        if isinstance(listed, str):
            listed = listed.split(SEPARATOR)
        shown: dict[str, Any] = {"data": [{"id": identifier, "type": type_} for identifier in listed or ()]}
        if related is not None:
            shown["links"] = {"related": related(row)}
        return shown

    return fill


def _to_one(member: ToOne, at: dict[str, int]) -> Fill | None:
    if member.column is None:
        return None
    index = at[member.column]
    type_at = at[member.type_column] if member.type_column else None
    first = member.types[0]
    related = _template(member.related, at) if member.related else None

    def fill(row: Row, _held: object) -> dict[str, Any]:
        identifier = row[index]
        if identifier is None:
            return _NULL_LINKAGE
        linkage = {"id": identifier, "type": first if type_at is None else row[type_at]}
        if related is None:
            return {"data": linkage}
        return {"data": linkage, "links": {"related": related(row)}}

    return fill
