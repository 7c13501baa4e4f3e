"""The attributes and relationships of plain tags (spec: workspaces, tags)."""

import re
from typing import Any

from marshmallow import ValidationError

from app.jsonapi import Json
from app.jsonapi.body import checked_list
from app.jsonapi.errors import Invalid, InvalidAttribute
from app.jsonapi.fields import Attribute, DateTime, ToOne
from app.jsonapi.schema import Schema
from app.models.tag_bindings import MAXIMUM_PLAIN
from app.persistence import fold_case
from app.resources.workspaces.tags.operations import SentTags

NAME_LENGTH = 255
NAME_PATTERN = re.compile(r"[a-z0-9](?:[a-z0-9_:-]*[a-z0-9])?")
TYPES = ("tags",)
# An existing tag can be sent by its id, any tag by its name, in upper or lower case.
NAMED = {
    "type": "object",
    "required": ["type"],
    "properties": {
        "type": {"const": "tags"},
        "id": {"type": "string"},
        "attributes": {
            "type": "object",
            "properties": {
                "name": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": NAME_LENGTH,
                    "pattern": "^[A-Za-z0-9](?:[A-Za-z0-9_:-]*[A-Za-z0-9])?$",
                },
            },
        },
    },
}
NAMED_TAGS = {
    "type": "object",
    "required": ["data"],
    "properties": {"data": {"type": "array", "maxItems": MAXIMUM_PLAIN, "items": NAMED}},
}


class TagSchema(Schema):
    """A plain tag of an organization; ``instance-count`` is the number of workspaces that have it."""

    class Meta:
        """Its type."""

        type_ = "tags"

    id = Attribute()
    name = Attribute(description="The name of the tag.")
    created_at = DateTime(dump_only=True)
    instance_count = Attribute(description="How many workspaces have the tag.")

    organization = ToOne("organizations", column="organization_name")


def read_tags(items: list[Any], pointer: str = "/data") -> SentTags:
    """The tags of a list of resource objects. Raises one error object for each fault."""
    identifiers, names, faults = [], [], []
    for index, item in enumerate(checked_list(items, TYPES, MAXIMUM_PLAIN, pointer)):
        attributes = item.get("attributes")
        name = attributes.get("name") if isinstance(attributes, dict) else None
        if name is None and isinstance(item.get("id"), str) and item["id"]:
            identifiers.append(item["id"])
            continue
        fault = _fault(name)
        if fault:
            faults.append(InvalidAttribute(fault, pointer=f"{pointer}/{index}/attributes/name"))
        names.append(fold_case(str(name)))
    if faults:
        raise Invalid(faults)
    return SentTags(tuple(dict.fromkeys(identifiers)), tuple(dict.fromkeys(names)))


def read_new_tags(items: list[Any]) -> SentTags:
    """The tags in the relationship of a workspace that is created or updated."""
    return read_tags(items, "/data/relationships/tags/data")


def read_names(value: Json) -> SentTags:
    """The tags in a list of their names."""
    if not isinstance(value, list) or any(not isinstance(name, str) for name in value):
        raise ValidationError("must be an array of strings")
    if len(value) > MAXIMUM_PLAIN:
        raise ValidationError(f"must have at most {MAXIMUM_PLAIN} strings")
    faults = dict.fromkeys(fault for name in value if (fault := _fault(name)))
    if faults:
        raise ValidationError([f"must be names of tags: {fault}" for fault in faults])
    return SentTags((), tuple(dict.fromkeys(fold_case(name) for name in value)))


def _fault(name: object) -> str | None:
    if name is None or name == "":
        return "Name can't be blank"
    if not isinstance(name, str):
        return "Name must be a string"
    if len(name) > NAME_LENGTH:
        return f"Name is too long (maximum is {NAME_LENGTH} characters)"
    return None if NAME_PATTERN.fullmatch(fold_case(name)) else "Name is invalid"
