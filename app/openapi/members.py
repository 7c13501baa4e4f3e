"""The attributes and relationships of a resource as JSON Schema, in requests and in answers."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from marshmallow.fields import Field
from sqlalchemy import ColumnElement
from sqlalchemy.orm import QueryableAttribute

from app.jsonapi.fields import (
    Attribute,
    BaseAttribute,
    Boolean,
    Choice,
    Computed,
    DateTime,
    Integer,
    Links,
    Setting,
    Text,
    ToMany,
    ToOne,
)
from app.jsonapi.switch import Switch
from app.persistence import Expression

JsonSchema = dict[str, Any]

TYPES: dict[type, JsonSchema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    datetime: {"type": "string", "format": "date-time"},
}

Relationship = ToOne | ToMany | Links
Identify = Callable[[Sequence[str]], JsonSchema]
"""Returns the schema of a resource identifier of one of the types."""


def anchored(pattern: str) -> str:
    """The pattern with anchors, because JSON Schema would search for it anywhere in the text."""
    return f"^(?:{pattern})$"


def nullable(schema: JsonSchema) -> JsonSchema:
    """The schema, or null."""
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    or_null = {**schema, "type": list(dict.fromkeys([*types, "null"]))}
    return {**or_null, "enum": [*schema["enum"], None]} if "enum" in schema else or_null


def described(schema: JsonSchema, text: str) -> JsonSchema:
    """The schema with the text as its description, before any description that it has."""
    texts = [text, schema.get("description", "")]
    return {**schema, "description": " ".join(filter(None, texts))} if any(texts) else schema


def accepted(member: Field[Any]) -> JsonSchema:
    """The schema of the values that a client may send for an attribute."""
    if isinstance(member, Setting):
        return member.json_schema
    if isinstance(member, Switch):
        return {"enum": [False, None]}
    schema = _kind(member) | _bounds(member)
    return nullable(schema) if member.allow_none else schema


def shown(member: Field[Any], column: Expression | None) -> JsonSchema:
    """The schema of an attribute's value in answers; ``column`` is the source of the value, if it is known."""
    schema = _shown(member, column)
    if not isinstance(member, BaseAttribute) or member.shown_to is None:
        return schema
    return {**nullable(schema), "description": f"Null for a caller without the permission `{member.shown_to}`."}


def _shown(member: Field[Any], column: Expression | None) -> JsonSchema:
    if isinstance(member, Computed):
        return member.json_schema
    schema = _of_column(column) if isinstance(member, Attribute) else _kind(member)
    # Expressions are written so that they are never null; a plain column declares whether it can be.
    may_lack = member.allow_none or (isinstance(member, DateTime) if column is None else _is_nullable(column))
    return nullable(schema) if may_lack and "type" in schema else schema


def _kind(member: Field[Any]) -> JsonSchema:
    if isinstance(member, Choice):
        return {"type": "string", "enum": list(member.values)}
    if isinstance(member, Boolean):
        return TYPES[bool]
    if isinstance(member, Integer):
        return TYPES[int]
    if isinstance(member, DateTime):
        return TYPES[datetime]
    if isinstance(member, Text):
        return TYPES[str]
    message = f"the API document does not know {type(member).__name__}"
    raise TypeError(message)


def _bounds(member: Field[Any]) -> JsonSchema:
    if isinstance(member, Integer):
        return {"minimum": member.minimum, "maximum": member.maximum}
    if not isinstance(member, Text):
        return {}
    bounds: JsonSchema = {"maxLength": member.maximum}
    if member.minimum:
        bounds["minLength"] = member.minimum
    if member.pattern:
        bounds["pattern"] = anchored(member.pattern)
    elif member.minimum:
        # A blank text counts as empty.
        bounds["pattern"] = r"\S"
    return bounds


def _of_column(column: Expression | None) -> JsonSchema:
    # Every expression in a row has a type, but the most general class of expressions does not declare it.
    return TYPES.get(column.type.python_type, {}) if isinstance(column, ColumnElement | QueryableAttribute) else {}


def _is_nullable(column: Expression) -> bool:
    return bool(getattr(column, "nullable", False))


# --- relationships -------------------------------------------------------------------------------------------------


def shown_relationship(member: Relationship, identify: Identify, *, is_linked: bool) -> JsonSchema:
    """The relationship object in an answer; ``is_linked`` if an include can give it linkage."""
    types = member_types(member)
    properties: JsonSchema = {}
    required = []
    if isinstance(member, ToOne):
        properties["data"] = _or_null(identify(types)) if member.column else {"type": "null"}
        required = ["data"]
    elif isinstance(member, ToMany) and member.column:
        properties["data"] = {"type": "array", "items": identify(types)}
        required = ["data"]
    elif is_linked:
        properties["data"] = {"type": "array", "items": identify(types), "description": "With include only"}
    if member.related:
        properties["links"] = {"$ref": "#/components/schemas/related-link"}
        # A to-one relationship without a related resource has no link.
        required += [] if isinstance(member, ToOne) else ["links"]
    schema: JsonSchema = {"type": "object", "properties": properties}
    return {**schema, "required": required} if required else schema


def accepted_relationship(member: Relationship, identify: Identify) -> JsonSchema:
    """The relationship object that a client may send."""
    if isinstance(member, ToOne):
        identifier = identify(member.types)
        linkage = identifier if member.required else _or_null(identifier)
    else:
        # The resource itself reads the list: it may have identifiers, or whole resource objects.
        kind = {"type": {"const": member_types(member)[0]}}
        item = {"type": "object", "required": ["type"], "properties": kind | {"attributes": {"type": "object"}}}
        linkage = {"type": "array", "items": item}
    return {"type": "object", "required": ["data"], "properties": {"data": linkage}}


def member_types(member: Relationship) -> Sequence[str]:
    """The types of related resources; for a relationship with only a link, the type is derived from its name."""
    return (member.data_key or "",) if isinstance(member, Links) else member.types


def _or_null(schema: JsonSchema) -> JsonSchema:
    return {"anyOf": [schema, {"type": "null"}]}
