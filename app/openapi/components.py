"""The named schemas of the document: for each type a resource object in answers, and those in requests."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from marshmallow.fields import Field

from app.jsonapi.query import DEFAULT_SIZE, MAXIMUM_SIZE
from app.jsonapi.schema import Schema, dasherized, describe_attribute
from app.openapi.docstrings import text_of
from app.openapi.errors import ERROR_DOCUMENT
from app.openapi.members import (
    JsonSchema,
    Relationship,
    accepted,
    accepted_relationship,
    described,
    shown,
    shown_relationship,
)
from app.persistence import Expression
from app.web.guard import Operation

PREFIX = "#/components/schemas/"
IDENTIFIERS = "-identifiers"

TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}
NUMBER_OR_NULL = {"type": ["integer", "null"]}
LINK_OR_NULL = {"type": ["string", "null"]}

SHARED: dict[str, JsonSchema] = {
    "errors": ERROR_DOCUMENT,
    "pagination": {
        "description": "Which part of the list this is, and how long the list is. With `page[count]=false`, there are "
        "no `total-pages` and `total-count`.",
        "type": "object",
        "required": ["current-page", "page-size", "prev-page", "next-page"],
        "properties": {
            "current-page": {"type": "integer", "minimum": 1},
            "page-size": {"type": "integer", "minimum": 1, "maximum": MAXIMUM_SIZE},
            "prev-page": NUMBER_OR_NULL,
            "next-page": NUMBER_OR_NULL,
            "total-pages": {"type": "integer", "minimum": 1},
            "total-count": COUNT,
        },
    },
    "page-links": {
        "description": "The addresses of this page and of others. With `page[count]=false`, there is no `last`.",
        "type": "object",
        "required": ["self", "first", "prev", "next"],
        "properties": {
            "self": TEXT,
            "first": TEXT,
            "prev": LINK_OR_NULL,
            "next": LINK_OR_NULL,
            "last": TEXT,
        },
    },
    "related-link": {
        "description": "Where the related resource is found.",
        "type": "object",
        "required": ["related"],
        "properties": {"related": TEXT},
    },
    "included": {
        "description": "Related resources: those that include asks for, or that were made along with this one.",
        "type": "array",
        "items": {
            "type": "object",
            "required": ["id", "type"],
            "properties": {
                "id": TEXT,
                "type": TEXT,
                "attributes": {"type": "object"},
                "relationships": {"type": "object"},
                "links": {"type": "object"},
            },
        },
    },
}


class Components:
    """The named schemas and parameters that the operations of one document use."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        """Collect from the operations the columns of each schema, and the resources that can be included."""
        self.schemas = dict(SHARED)
        self.parameters = page_parameters()
        self._columns: dict[type[Schema], Mapping[str, Expression]] = {}
        self._includes: dict[type[Schema], set[str]] = {}
        for operation in operations:
            schema_type = operation.listing.schema if operation.listing else operation.answer
            if operation.listing:
                self._columns.setdefault(operation.listing.schema, operation.listing.expressions)
            if isinstance(schema_type, type):
                self._includes.setdefault(schema_type, set()).update(map(dasherized, operation.includes))

    def resource(self, schema_type: type[Schema]) -> JsonSchema:
        """A resource object in an answer."""
        schema = schema_type()
        columns = self._columns.get(schema_type, {})
        properties: JsonSchema = {"id": TEXT, "type": {"const": schema.opts.type_}}
        required = ["id", "type"]
        groups: dict[str, JsonSchema] = {"attributes": {}, "relationships": {}}
        for name, member in _members(schema):
            if member.load_only:
                continue
            key = str(member.data_key)
            if isinstance(member, Relationship):
                is_linked = key in self._includes.get(schema_type, ())
                groups["relationships"][key] = shown_relationship(member, self._identifier, is_linked=is_linked)
            else:
                schema_of_value = shown(member, columns.get(member.attribute or name))
                groups["attributes"][key] = described(schema_of_value, describe_attribute(schema_type, key))
        for group, members in groups.items():
            if members:
                properties[group] = {"type": "object", "required": sorted(members), "properties": members}
                required.append(group)
        if schema.opts.self_link:
            links = ["self", *(["self-html"] if schema.opts.page_link else []), *schema.opts.more_links]
            properties["links"] = {"type": "object", "required": links, "properties": dict.fromkeys(links, TEXT)}
            required.append("links")
        return self._named(_name(schema_type), _object(schema_type, required, properties))

    def sent(self, schema_type: type[Schema], method: str, *, is_partial: bool) -> JsonSchema:
        """A resource object in the body of a request; if it is partial, nothing is required."""
        schema = schema_type()
        is_update = is_partial and method != "post"
        properties: JsonSchema = {"id": TEXT} if is_update else {}
        required = []
        if schema.opts.accepted_types:
            properties["type"] = {"enum": list(schema.opts.accepted_types)}
            required.append("type")
        groups: dict[str, JsonSchema] = {"attributes": {}, "relationships": {}}
        needed: dict[str, list[str]] = {"attributes": [], "relationships": []}
        for _, member in _members(schema):
            if member.dump_only:
                continue
            key = str(member.data_key)
            group = "relationships" if isinstance(member, Relationship) else "attributes"
            if isinstance(member, Relationship):
                groups[group][key] = accepted_relationship(member, self._identifier)
            else:
                groups[group][key] = described(accepted(member), describe_attribute(schema_type, key))
            if member.required and not is_partial:
                needed[group].append(key)
        for group, members in groups.items():
            if members:
                properties[group] = {"type": "object", "properties": members}
                if schema.opts.is_own:
                    # Others are refused, unless they are only shown.
                    properties[group]["additionalProperties"] = False
            if needed[group]:
                properties[group]["required"] = sorted(needed[group])
                required.append(group)
        name = f"{_name(schema_type)}-{'update' if is_update else 'create'}"
        return self._named(name, _object(schema_type, required, properties))

    def given(self, schema: JsonSchema) -> JsonSchema:
        """A JSON Schema that a view declares itself; adds the lists of identifiers that it refers to.

        One with a title is shared by several views under this name.
        """
        if "title" in schema:
            return self._named(schema["title"], {key: value for key, value in schema.items() if key != "title"})
        name = str(schema.get("$ref", "")).removeprefix(PREFIX)
        if name.endswith(IDENTIFIERS):
            item = self._identifier([name.removesuffix(IDENTIFIERS)])
            self._named(
                name,
                {
                    "description": "A document that names resources.",
                    "type": "object",
                    "required": ["data"],
                    "properties": {"data": {"type": "array", "items": item}},
                },
            )
        return schema

    def _identifier(self, types: Sequence[str]) -> JsonSchema:
        identifiers = [
            self._named(
                f"{type_}-identifier",
                {
                    "type": "object",
                    "required": ["id", "type"],
                    "properties": {"id": TEXT, "type": {"const": type_}},
                },
            )
            for type_ in types
        ]
        return identifiers[0] if len(identifiers) == 1 else {"anyOf": identifiers}

    def _named(self, name: str, schema: JsonSchema) -> JsonSchema:
        if self.schemas.setdefault(name, schema) != schema:
            message = f"two schemas would be named {name} in the API document"
            raise ValueError(message)
        return {"$ref": f"{PREFIX}{name}"}


def page_parameters() -> dict[str, JsonSchema]:
    """The query parameters of every list."""
    number: JsonSchema = {"type": "integer", "minimum": 1}
    return {
        "page-number": {
            "name": "page[number]",
            "in": "query",
            "description": "Which page of the list; 0 is the first one, too",
            "schema": {**number, "minimum": 0, "default": 1},
        },
        "page-size": {
            "name": "page[size]",
            "in": "query",
            "description": f"How many resources on a page; more than {MAXIMUM_SIZE} means {MAXIMUM_SIZE}",
            "schema": {**number, "default": DEFAULT_SIZE},
        },
        "page-count": {
            "name": "page[count]",
            "in": "query",
            "description": "`false` leaves out the totals, which take longest to find in a long list",
            "schema": {"type": "boolean", "default": True},
        },
        "page-after": {
            "name": "page[after]",
            "in": "query",
            "description": "Walk the list by cursors instead of numbers: empty for the first page, then as in "
            "`links.next`. Late pages are as fast as early ones, and what others add or delete meanwhile moves no row "
            "to another page. There are no totals",
            "schema": {"type": "string"},
        },
        "page-before": {
            "name": "page[before]",
            "in": "query",
            "description": "The same backward: empty for the last page, then as in `links.prev`",
            "schema": {"type": "string"},
        },
    }


def _members(schema: Schema) -> list[tuple[str, Field[Any]]]:
    return [(name, member) for name, member in schema.fields.items() if name != "id"]


def _name(schema_type: type[Schema]) -> str:
    # A schema that extends another one of the same type, such as the account, is a variant with its own name.
    type_ = schema_type.opts.type_
    is_second = any(issubclass(base, Schema) and base.opts.type_ == type_ for base in schema_type.__bases__)
    own = schema_type.__name__.removesuffix("Schema").lower()
    variant = schema_type.opts.variant or (own if is_second else None)
    return f"{type_}-{variant}" if variant else str(type_)


def _object(schema_type: type[Schema], required: list[str], properties: JsonSchema) -> JsonSchema:
    described = {"description": text_of(schema_type), "type": "object"}
    return {**described, "required": required, "properties": properties}
