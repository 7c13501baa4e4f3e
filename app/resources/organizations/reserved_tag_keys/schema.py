"""The attributes and relationships of reserved keys of tags."""

from app.jsonapi.fields import Attribute, Boolean, DateTime, Text, ToOne
from app.jsonapi.schema import Schema
from app.models.tag_bindings import CHARACTERS, KEY_LENGTH, NOT_RESERVED


class ReservedTagKeySchema(Schema):
    """A key that an organization reserves."""

    class Meta:
        """Its type."""

        type_ = "reserved-tag-keys"

    id = Attribute()
    key = Text(
        minimum=1,
        maximum=KEY_LENGTH,
        pattern=f"{NOT_RESERVED}{CHARACTERS}+",
        required=True,
        description="The key that is reserved.",
        example="cost-center",
    )
    disable_overrides = Boolean(
        description="Whether workspaces are kept from giving the key another value than their project does."
    )
    created_at = DateTime(dump_only=True)
    updated_at = DateTime(dump_only=True)

    organization = ToOne("organizations", column="organization_name")
