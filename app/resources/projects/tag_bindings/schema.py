"""The attributes and relationships of tag bindings."""

from typing import Any

from marshmallow import ValidationError

from app.jsonapi.body import checked_list
from app.jsonapi.errors import Invalid, InvalidAttribute, Unprocessable
from app.jsonapi.fields import Attribute, DateTime, Text
from app.jsonapi.schema import Schema
from app.models.tag_bindings import CHARACTERS, KEY_LENGTH, MAXIMUM, NOT_RESERVED, VALUE_LENGTH

TYPES = ("tag-bindings",)


class TagBindingSchema(Schema):
    """A key with a value."""

    class Meta:
        """Its type."""

        type_ = "tag-bindings"

    id = Attribute()
    key = Text(
        minimum=1,
        maximum=KEY_LENGTH,
        pattern=f"{NOT_RESERVED}{CHARACTERS}+",
        required=True,
        description="The key of the tag.",
        example="team",
    )
    value = Text(
        maximum=VALUE_LENGTH,
        pattern=f"{CHARACTERS}*",
        nullable=True,
        description="The value of the tag; empty for a plain tag.",
        example="platform",
    )
    created_at = DateTime(dump_only=True)


class EffectiveTagBindingSchema(Schema):
    """A tag that counts for a resource; its id is the binding's without the prefix."""

    class Meta:
        """Its type."""

        type_ = "effective-tag-bindings"

    id = Attribute(attribute="bare_id")
    key = Attribute(description="The key of the tag.")
    value = Attribute(description="The value that counts: the workspace's own, or the project's.")


def read_tags(items: list[Any], pointer: str = "/data") -> dict[str, str]:
    """The tags in a list of resource objects, as keys with values, in their order.

    Raises one error object for each fault, with a pointer to it below ``pointer``.
    """
    if len(items) > MAXIMUM:
        raise Unprocessable(f"Tag bindings cannot exceed {MAXIMUM} bindings per resource", pointer=pointer)
    tags: dict[str, str] = {}
    faults = []
    for index, item in enumerate(checked_list(items, TYPES, MAXIMUM, pointer)):
        at = f"{pointer}/{index}/attributes"
        attributes = item.get("attributes")
        if not isinstance(attributes, dict):
            faults.append(InvalidAttribute("Attributes must be an object", pointer=at))
            continue
        key, value = attributes.get("key"), attributes.get("value")
        faults += _faults("key", key, at) + ([] if value is None else _faults("value", value, at))
        if isinstance(key, str):
            if key in tags:
                faults.append(InvalidAttribute("Key has already been taken", pointer=f"{at}/key"))
            tags[key] = value or ""
    if faults:
        raise Invalid(faults)
    return tags


def read_relationship(items: list[Any]) -> dict[str, str]:
    """The tags in a relationship of the document of the resource that has them."""
    return read_tags(items, "/data/relationships/tag-bindings/data")


def _faults(member: str, value: object, at: str) -> list[InvalidAttribute]:
    field = TagBindingSchema().fields[member]
    try:
        field.deserialize(value)
    except ValidationError as error:
        return [
            InvalidAttribute(f"{member.capitalize()} {message}", pointer=f"{at}/{member}") for message in error.messages
        ]
    return []
