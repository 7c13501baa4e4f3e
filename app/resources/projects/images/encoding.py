"""Reading images that were sent. Their type is detected from the content, and they are redrawn before they are stored.

None of the sent bytes are stored. The pixels are decoded, scaled down and encoded again, which removes metadata, data
hidden behind the image, and anything that a browser might take for another type.
"""

import hashlib
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import Image as Picture
from PIL import ImageOps

from app.jsonapi.errors import Unprocessable

# By their names in Pillow, which doesn't try other formats. It can't read SVG at all, which may contain scripts.
TYPES: Final = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
# Not registered, but often written.
ALIASES: Final = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
# Limits on the image that is sent.
LARGEST_BYTES: Final = 5 * 2**20
# A small file may declare a huge image: it is refused by its declared size, before a pixel is decoded.
LARGEST_SIDE: Final = 8_192
MOST_PIXELS: Final = 16 * 2**20
# Limits on the image that is stored.
KEPT_SIDE: Final = 512
# The modes that a format can store as they are; other modes are converted to the first.
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


class AnotherImageType(Unprocessable):
    """The image is of another type than the request says."""

    code = "another-image-type"
    pointer = "/data/attributes/content-type"


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
    """The image redrawn, with at most ``KEPT_SIDE`` pixels on a side; the first frame of an animation.

    ``pointer`` is the attribute that had it. Raises ``NotAnImage`` or ``ImageTooLarge``.
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
    # Scaled down before anything else: each copy of all the pixels would take 64 MB.
    small = picture if picture.mode in modes else picture.convert(modes[0])
    small.thumbnail((KEPT_SIDE, KEPT_SIDE))
    # Cameras store the orientation as metadata instead of turning the pixels, and the metadata is not kept.
    small = ImageOps.exif_transpose(small)
    small.info = {}
    written = BytesIO()
    small.save(written, kind)
    return EncodedImage(written.getvalue(), TYPES[kind], *small.size)


def check_type(drawn: EncodedImage, stated: str) -> None:
    """Refuse an image of another type than the request states; parameters and ``image/jpg`` are understood."""
    meant = stated.partition(";")[0].strip().lower()
    if ALIASES.get(meant, meant) != drawn.content_type:
        raise AnotherImageType(f"The content is {drawn.content_type}; content-type must be the same")
