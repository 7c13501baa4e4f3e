"""Reading images that were sent. The content tells what they are, and they are redrawn before they are stored.

Nothing of the sent bytes is stored. The pixels are decoded, made smaller and encoded again, which removes metadata,
whatever is hidden behind the image, and whatever a browser might take for something else.
"""

import hashlib
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import Image as Picture
from PIL import ImageOps

from app.jsonapi.errors import Unprocessable

# By their names in Pillow. Whatever else it can read is not even tried; SVG, which may carry scripts, it can't read.
TYPES: Final = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
# Of what is sent.
LARGEST_BYTES: Final = 5 * 2**20
# A small file may say that it is huge: it is refused by what it says, before a pixel is decoded.
LARGEST_SIDE: Final = 8_192
MOST_PIXELS: Final = 16 * 2**20
# Of what is kept.
KEPT_SIDE: Final = 512
# The modes that a format can keep as they are; others become the first.
MODES: Final = {
    "PNG": ("RGBA", "RGB", "L", "LA"),
    "JPEG": ("RGB", "L"),
    "GIF": ("RGBA", "RGB", "L"),
    "WEBP": ("RGBA", "RGB"),
}


class NotAnImage(Unprocessable):
    """The content is not an image of a known type, or it is damaged."""

    code = "not-an-image"
    detail = "The content must be a PNG, JPEG, GIF or WebP image"


class ImageTooLarge(Unprocessable):
    """The image has too many pixels."""

    code = "image-too-large"
    detail = f"The image must have at most {LARGEST_SIDE} pixels on a side and {MOST_PIXELS} in all"


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """An image in the form that is stored."""

    content: bytes
    content_type: str
    width: int
    height: int

    @property
    def digest(self) -> str:
        """A text that is different for each image."""
        return hashlib.sha256(self.content).hexdigest()


def re_encode(sent: bytes, *, pointer: str | None = None) -> EncodedImage:
    """The image redrawn, with at most ``KEPT_SIDE`` pixels on a side; of an animation, the first picture.

    ``pointer`` names the member that had it. Raises ``NotAnImage`` or ``ImageTooLarge``.
    """
    try:
        with Picture.open(BytesIO(sent), formats=tuple(TYPES)) as picture:
            return _encoded(picture, str(picture.format))
    except (_TooManyPixelsError, Picture.DecompressionBombError, Picture.DecompressionBombWarning):
        raise ImageTooLarge(pointer=pointer) from None
    except Exception:  # noqa: BLE001 - a decoder fails in as many ways as files can be broken
        raise NotAnImage(pointer=pointer) from None


class _TooManyPixelsError(Exception):
    pass


def _encoded(picture: Picture.Image, kind: str) -> EncodedImage:
    width, height = picture.size
    if max(width, height) > LARGEST_SIDE or width * height > MOST_PIXELS:
        raise _TooManyPixelsError
    modes = MODES[kind]
    # Made small before anything else: each copy of all the pixels would take 64 MB.
    small = picture if picture.mode in modes else picture.convert(modes[0])
    small.thumbnail((KEPT_SIDE, KEPT_SIDE))
    # A camera notes which side is up instead of turning the pixels, and the note is about to go.
    small = ImageOps.exif_transpose(small)
    small.info = {}
    written = BytesIO()
    small.save(written, kind)
    return EncodedImage(written.getvalue(), TYPES[kind], *small.size)
