"""Makes resource objects from rows, fast.

The schema is the only description of a resource. The library iterates over its fields for every row, which costs more
than the rest of a list request. Here this is done once, to write a plain function. A property test checks, for every
schema, that the function and the library give the same result.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from marshmallow_jsonapi.fields import BaseRelationship

from app.jsonapi.fields import BaseAttribute, Computed, Constant, DateTime, Links, ToMany, ToOne, format_timestamp
from app.jsonapi.schema import Schema
from app.persistence import SEPARATOR

Row = Sequence[Any]
Dump = Callable[[Any, Any], dict[str, Any]]

_NULL_LINKAGE = {"data": None}


def compile_dump(schema_type: type[Schema], columns: Sequence[str]) -> Dump:
    """A function that makes a resource object from a row with these columns and the caller's permissions on it.

    Its text is one dict display: the one for tags is, in short, ``lambda row, held: {"id": row[0], "type": "tags",
    "attributes": {"name": row[1], "created-at": moment(row[2])}}``. That is the fastest way to make a dict.
    """
    schema = schema_type()
    source = _Source({name: index for index, name in enumerate(columns)})
    members: dict[str, Any] = {
        "id": source.column(schema.fields["id"].attribute or "id"),
        "type": repr(schema.opts.type_),
        "attributes": _display(_attributes(schema, source)),
    }
    shown = [(name, each) for name, each in schema.fields.items() if not each.load_only]
    relationships = {
        each.data_key or name: _relationship(each, source) for name, each in shown if isinstance(each, BaseRelationship)
    }
    if relationships:
        members["relationships"] = _display(relationships)
    links = {"self": schema.opts.self_link, "self-html": schema.opts.page_link, **schema.opts.more_links}
    if any(links.values()):
        members["links"] = _display({name: source.text(template) for name, template in links.items() if template})
    text = f"lambda row, held: {_display(members)}"
    # Nothing of a request is in the text: it is made from what the schema declares.
    dump: Dump = eval(text, source.names)  # noqa: S307
    return dump


@dataclass(slots=True)
class _Source:
    """Writes the parts of the text."""

    at: Mapping[str, int]
    """The positions of the columns in a row."""
    names: dict[str, Any] = field(default_factory=lambda: {"moment": format_timestamp})
    """The objects to which the text refers."""

    def column(self, name: str) -> str:
        return f"row[{self.at[name]}]"

    def text(self, template: str) -> str:
        """A text with the values of columns in it."""
        return "f" + repr(re.sub(r"\{(\w+)\}", lambda found: f"{{{self.column(found[1])}}}", template))

    def refer(self, value: Any) -> str:  # noqa: ANN401 - a function or a constant
        name = f"value_{len(self.names)}"
        self.names[name] = value
        return name


def _display(members: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{key!r}: {value}" for key, value in members.items()) + "}"


def _attributes(schema: Schema, source: _Source) -> dict[str, str]:
    """The attributes of a schema: first plain columns, then constants, times, and what is computed."""
    plain: dict[str, str] = {}
    constants: dict[str, str] = {}
    moments: dict[str, str] = {}
    computed: dict[str, str] = {}
    for name, member in schema.fields.items():
        key = member.data_key or name
        if name == "id" or member.load_only or isinstance(member, BaseRelationship):
            continue
        if isinstance(member, Constant):
            constants[key] = source.refer(member.value)
        elif isinstance(member, BaseAttribute) and member.shown_to is not None:
            computed[key] = f"{_show(member, name, source)} if {source.refer(member.shown_to)} in held else None"
        elif isinstance(member, Computed):
            computed[key] = _show(member, name, source)
        else:
            (moments if isinstance(member, DateTime) else plain)[key] = _show(member, name, source)
    return {**plain, **constants, **moments, **computed}


def _show(member: BaseAttribute, name: str, source: _Source) -> str:
    if isinstance(member, Computed):
        return f"{source.refer(member.make)}(row, held)"
    column = source.column(member.attribute or name)
    return f"moment({column})" if isinstance(member, DateTime) else column


def _relationship(member: BaseRelationship, source: _Source) -> str:
    if isinstance(member, ToOne):
        return _to_one(member, source)
    links = _links(member.related, source) if isinstance(member, Links | ToMany) and member.related else {}
    if isinstance(member, ToMany) and member.column:
        return _display({"data": f"{source.refer(_to_many(member, member.column))}(row, held)", **links})
    return _display(links)


def _links(related: str, source: _Source) -> dict[str, str]:
    return {"links": _display({"related": source.text(related)})}


def _to_one(member: ToOne, source: _Source) -> str:
    if member.column is None:
        return source.refer(_NULL_LINKAGE)
    column = source.column(member.column)
    type_ = source.column(member.type_column) if member.type_column else repr(member.types[0])
    linkage = {"data": _display({"id": column, "type": type_})}
    if member.related:
        linkage |= _links(member.related, source)
    return f"{_display(linkage)} if {column} is not None else {source.refer(_NULL_LINKAGE)}"


def _to_many(member: ToMany, column: str) -> Callable[[Row, Any], list[dict[str, str]]]:
    # By name: listings put some lists beside the columns.
    type_, permission, ids_of = member.types[0], member.shown_to, attrgetter(column)

    def linkage(row: Row, held: Any) -> list[dict[str, str]]:  # noqa: ANN401 - permissions
        listed = ids_of(row) if permission is None or permission in held else None
        if isinstance(listed, str):
            listed = listed.split(SEPARATOR)
        return [{"id": identifier, "type": type_} for identifier in listed or ()]

    return linkage
