"""Passwords and their hashes."""

import secrets
from threading import Lock
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MINIMUM_LENGTH = 10
MAXIMUM_LENGTH = 512
# 144 bits; nobody types it often, because it is for the first sign-in.
GENERATED_BYTES = 18

_HASHER = PasswordHasher()
# A hash takes several threads, much memory, and most of a tenth of a second: guesses must not take all cores.
_ONE_AT_A_TIME: Final = Lock()
# Compared with if there is no password, so that the time does not reveal which users have one. It is the hash of random
# bytes that nobody has kept; to make one at each start would take a third of the time that a command needs.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$r9luezXtc0vAzmye0kkQJg$yLz/O3eLdggMcyU9pQWEVgeG/xtuB2NBiSvwqjfTu14"


def new_password() -> str:
    """A fresh password."""
    return secrets.token_urlsafe(GENERATED_BYTES)


def hash_password(password: str) -> str:
    """The argon2 hash to store for a password, with its salt and costs. It is slow on purpose."""
    with _ONE_AT_A_TIME:
        return _HASHER.hash(password)


def is_password(given: str, stored: str | None) -> bool:
    """Whether the hash is of this password. Without a hash the answer is no, after the same time."""
    try:
        with _ONE_AT_A_TIME:
            _HASHER.verify(stored or _NOBODY, given)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with other cost parameters than new hashes."""
    return _HASHER.check_needs_rehash(stored)
