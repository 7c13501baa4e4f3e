"""Identifiers: a prefix that names the type, a hyphen, sixteen random characters."""

import secrets
from collections.abc import Callable

# Base 58: no 0, O, I or l, which people mix up when they read an id aloud.
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
LENGTH = 16


def random_text(length: int = LENGTH) -> str:
    """Random base-58 text of the given length."""
    # One random number for all characters: a call per character would cost more than the rest of an insert. The 32
    # extra bytes make the bias of the division smaller than 2 ** -256.
    number = int.from_bytes(secrets.token_bytes(length + 32))
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
