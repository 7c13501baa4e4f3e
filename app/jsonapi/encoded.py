"""Bytes in documents, as base64."""

from base64 import b64decode
from typing import Final

BLANKS: Final = b" \t\r\n"


def without_blanks(text: str) -> bytes:
    """The text without line ends: many programs break the lines of base64, and HCP Terraform ignores it."""
    return text.encode("ascii").translate(None, BLANKS)


def decode_base64(text: str) -> bytes:
    """The bytes that the text stands for; raises ``ValueError`` if it is no base64."""
    return b64decode(without_blanks(text), validate=True)
