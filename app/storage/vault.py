"""Objects, encrypted on their way into a store.

Each object has a data key of its own. Its bytes are framed: chunks of 64 KiB, each sealed by AES-256-GCM with a nonce
that is the chunk's number and whether it is the last one. So a chunk can't be changed, moved, doubled or left out, an
object can't be cut short, and, because its name is authenticated with each chunk, can't stand in for another.

The data key, sealed by a master key, is given back to whoever stores the object, to be kept in a column beside its
name. A new master key then leaves every object as it is; and an object whose row is gone can't be read by anybody.
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
        """Store the pieces under the name; the sealed data key, which opens them."""
        key = secrets.token_bytes(KEY_BYTES)
        self.store.put(name, _closed(AESGCM(key), name, pieces))
        return self.keyring.seal(key)

    def open(self, name: str, sealed_key: str) -> Iterator[bytes]:
        """The bytes of an object, each authentic when it is given; ``DecryptionError`` where that ends.

        The first of them are read at once, so that most of what can be wrong shows before an answer has begun.
        """
        key = self.keyring.unseal(sealed_key)
        pieces = _opened(AESGCM(key), name, self.store.open(name))
        # There is always one, of an empty object an empty one.
        return chain([next(pieces)], pieces)

    def delete(self, name: str) -> None:
        """Remove the object; nothing happens when there is none."""
        self.store.delete(name)

    def exists(self, name: str) -> bool:
        """Whether there is an object of this name."""
        return self.store.exists(name)


def _nonce(number: int, *, is_last: bool) -> bytes:
    # The key is used for one object only, so that a counter never repeats.
    return number.to_bytes(11) + bytes([is_last])


def connect_vault(settings: Settings, keyring: Keyring) -> Vault:
    """The vault over the store that the settings name; nothing is opened yet."""
    if settings.bucket is None:
        return Vault(FileStore(settings.home / "blobs"), keyring)
    # Only here: the library is large, and a service that keeps files does without it.
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
        # A full part is held back until something follows it: only then it is known not to be the last.
        while len(waiting) - start > size:
            yield bytes(memoryview(waiting)[start : start + size]), False
            start += size
        if start:
            del waiting[:start]
    yield bytes(waiting), True
