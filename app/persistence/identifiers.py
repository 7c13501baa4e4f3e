"""Identifiers: a prefix that names the type, a hyphen, sixteen random characters."""

import hashlib
import secrets
from collections.abc import Callable

# Base 58: no 0, O, I or l, which people mix up when they read an id aloud.
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
LENGTH = 16


def random_text(length: int = LENGTH) -> str:
    """Random base-58 text of the given length."""
    # One random number for all characters: a call per character would cost more than the rest of an insert. The 32
    # extra bytes make the bias of the division smaller than 2 ** -256.
    return _base_58(int.from_bytes(secrets.token_bytes(length + 32)), length)


def derived_text(source: str) -> str:
    """Base-58 text that is always the same for the same source, and another one for another source."""
    return _base_58(int.from_bytes(hashlib.sha256(source.encode()).digest()), LENGTH)


def _base_58(number: int, length: int) -> str:
    characters = []
    for _ in range(length):
        number, rest = divmod(number, len(ALPHABET))
        characters.append(ALPHABET[rest])
    return "".join(characters)


def identifier(prefix: str) -> Callable[[], str]:
    """A function that makes new ids for one type, to be a column's default: ``identifier("prj")()`` is ``"prj-…"``."""

    def make() -> str:
        return f"{prefix}-{random_text()}"

    return make
