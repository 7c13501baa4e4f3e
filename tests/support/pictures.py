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
    attributes = {"filename": "me.png", "content-type": "image/png", "data": base64.b64encode(content).decode()}
    return document("avatars", {**attributes, **members})
