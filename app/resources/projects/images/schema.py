"""The attributes and relationships of images (mission: C2, E6)."""

from marshmallow import ValidationError

from app.jsonapi import Json
from app.jsonapi.encoded import decode_base64, without_blanks
from app.jsonapi.fields import Attribute, DateTime, Setting, Text
from app.jsonapi.schema import Schema
from app.resources.projects.images.encoding import LARGEST_BYTES, TYPES

FILENAME_LENGTH = 255


def read_base64(value: Json) -> bytes:
    """The decoded bytes; their length is checked before decoding."""
    if not isinstance(value, str):
        raise ValidationError("must be a string")
    try:
        # Four characters stand for three bytes.
        if len(without_blanks(value)) <= (LARGEST_BYTES + 2) // 3 * 4:
            content = decode_base64(value)
            if len(content) <= LARGEST_BYTES:
                return content
    except ValueError:
        raise ValidationError("must be base64") from None
    raise ValidationError(f"is too long (maximum is {LARGEST_BYTES} bytes)")


class ImageSchema(Schema):
    """An icon or an avatar. The image itself is at the link."""

    class Meta:
        """Its type and address."""

        type_ = "images"
        self_link = "{address}"

    id = Attribute()
    content_type = Attribute(description="The kind of picture: `image/png`, `image/jpeg` and so on.")
    digest = Attribute(description="The SHA-256 of the bytes.")
    size = Attribute(description="Bytes of the picture.")
    width = Attribute(description="Pixels; null if the format does not say.")
    height = Attribute(description="Pixels; null if the format does not say.")
    created_at = DateTime(dump_only=True)


class AvatarSchema(Schema):
    """An avatar in a request. The content type must be that of the content; the name is not stored."""

    class Meta:
        """Its type."""

        type_ = "avatars"
        accepted_types = ("avatars", "images", "workspaces")

    id = Attribute()
    filename = Text(
        required=True, minimum=1, maximum=FILENAME_LENGTH, description="The name of the file.", example="logo.png"
    )
    content_type = Text(
        required=True, minimum=1, maximum=FILENAME_LENGTH, description="The kind of picture.", example="image/png"
    )
    data = Setting(
        read_base64,
        required=True,
        load_only=True,
        schema={"type": "string", "contentEncoding": "base64", "contentMediaType": ",".join(TYPES.values())},
        description="The bytes in base64.",
        example="iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    )
