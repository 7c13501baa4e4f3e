"""Images for the tests, and how they are sent."""

import base64
from io import BytesIO
from typing import Any

from PIL import Image as Picture

from tests.support.api import document

BOUNDARY = "image-of-the-test"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 20), colour: str = "red", **options: Any) -> bytes:
    written = BytesIO()
    Picture.new("RGB", size, colour).save(written, kind, **options)
    return written.getvalue()


def icon_form(content: bytes, field: str = "icon", filename: str = "a.png") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{filename}"\r\n'
    return f"{head}Content-Type: image/png\r\n\r\n".encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def avatar(content: bytes, **members: Any) -> dict[str, Any]:
    attributes = {"filename": "me.png", "content-type": type_of(content), "data": base64.b64encode(content).decode()}
    return document("avatars", {**attributes, **members})


def type_of(content: bytes) -> str:
    """What the picture is, as far as its first bytes tell."""
    known = {b"\xff\xd8": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}
    return next((kind for beginning, kind in known.items() if content.startswith(beginning)), "image/png")
