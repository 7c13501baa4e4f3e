"""Passwords and what is kept of them."""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MINIMUM_LENGTH = 10
MAXIMUM_LENGTH = 512
# Nobody types it often: it is for the first sign-in, and 144 bits.
GENERATED_BYTES = 18

_HASHER = PasswordHasher()
# Compared with where there is no password, so that the time tells nobody who has one.
_NOBODY = _HASHER.hash(secrets.token_urlsafe(GENERATED_BYTES))


def new_password() -> str:
    """A fresh password."""
    return secrets.token_urlsafe(GENERATED_BYTES)


def hash_password(password: str) -> str:
    """What is stored of a password: an argon2 hash with its salt and costs. Takes a while, on purpose."""
    return _HASHER.hash(password)


def is_password(given: str, stored: str | None) -> bool:
    """Whether the hash is of this password; without a hash it takes as long, and no password is right."""
    try:
        _HASHER.verify(stored or _NOBODY, given)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with other costs than new ones are."""
    return _HASHER.check_needs_rehash(stored)
