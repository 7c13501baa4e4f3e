"""Objects, encrypted on their way into a store.

Each object has its own data key. Its bytes are framed in chunks of 64 KiB, each sealed by AES-256-GCM with a nonce that
has the chunk's number and whether it is the last one. So a chunk can't be changed, moved, duplicated or left out, and
an object can't be truncated. Its name is authenticated with each chunk, so it can't replace another object either.

The data key, sealed by a master key, is returned to the caller, who stores it in a column beside the object's name. So
a new master key leaves every object unchanged, and nobody can read an object whose row is deleted.
"""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.config import Settings
from app.storage.files import FileStore
from app.storage.keyring import KEY_BYTES, DecryptionError, Keyring
from app.storage.store import Store

CHUNK = 64 * 1024
TAG_BYTES = 16
FRAME = CHUNK + TAG_BYTES


@dataclass(frozen=True, slots=True)
class Vault:
    """A store behind encryption."""

    store: Store
    keyring: Keyring

    def put(self, name: str, pieces: Iterable[bytes]) -> str:
        """Store the pieces under the name; returns the sealed data key."""
        key = secrets.token_bytes(KEY_BYTES)
        self.store.put(name, _closed(AESGCM(key), name, pieces))
        return self.keyring.seal(key)

    def open(self, name: str, sealed_key: str) -> Iterator[bytes]:
        """The bytes of an object, authenticated before they are yielded; raises ``DecryptionError`` for invalid ones.

        The first ones are read at once, so that most failures show before an answer has begun.
        """
        key = self.keyring.unseal(sealed_key)
        pieces = _opened(AESGCM(key), name, self.store.open(name))
        # There is always a first piece; an empty object has an empty one.
        return chain([next(pieces)], pieces)

    def delete(self, name: str) -> None:
        """Remove the object; nothing happens if there is none."""
        self.store.delete(name)

    def exists(self, name: str) -> bool:
        """Whether there is an object of this name."""
        return self.store.exists(name)


def _nonce(number: int, *, is_last: bool) -> bytes:
    # The key is used for one object only, so a counter never repeats.
    return number.to_bytes(11) + bytes([is_last])


def connect_vault(settings: Settings, keyring: Keyring) -> Vault:
    """The vault over the configured store; nothing is opened yet."""
    if settings.bucket is None:
        return Vault(FileStore(settings.home / "blobs"), keyring)
    # Imported only here, because the library is large, and services that store files don't need it.
    from app.storage.objects import BucketStore  # noqa: PLC0415

    return Vault(BucketStore(settings.bucket), keyring)


def _closed(cipher: AESGCM, name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    for number, (chunk, is_last) in enumerate(_cut(pieces, CHUNK)):
        yield cipher.encrypt(_nonce(number, is_last=is_last), chunk, name.encode())


def _opened(cipher: AESGCM, name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    for number, (frame, is_last) in enumerate(_cut(pieces, FRAME)):
        try:
            yield cipher.decrypt(_nonce(number, is_last=is_last), frame, name.encode())
        except InvalidTag as error:
            raise DecryptionError(f"the object {name} was changed or cut at chunk {number}") from error


def _cut(pieces: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """The bytes in parts of exactly ``size``, and whether each is the last one, which may be shorter, even empty."""
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        start = 0
        # A full part is held back until more bytes follow, because it might be the last one.
        while len(waiting) - start > size:
            yield bytes(memoryview(waiting)[start : start + size]), False
            start += size
        if start:
            del waiting[:start]
    yield bytes(waiting), True
