"""The attributes of SSH keys."""

from app.jsonapi.fields import Attribute, Text
from app.jsonapi.schema import Schema

NAME_LENGTH = 255
VALUE_LENGTH = 64 * 1024


class SshKeySchema(Schema):
    """An SSH key. The private key itself is accepted when the resource is created, and never shown."""

    class Meta:
        """Its type and address."""

        type_ = "ssh-keys"
        self_link = "/api/v2/ssh-keys/{id}"

    id = Attribute()
    name = Text(
        required=True,
        minimum=1,
        maximum=NAME_LENGTH,
        description="The name, unique in the organization.",
        example="modules",
    )
    value = Text(
        required=True,
        minimum=1,
        maximum=VALUE_LENGTH,
        load_only=True,
        has_effect=False,
        description="The private key. It is never shown, and can't be changed: make another SSH key instead.",
        example="-----BEGIN OPENSSH PRIVATE KEY-----\nan example\n-----END OPENSSH PRIVATE KEY-----\n",
    )
