"""Master keys, which encrypt short secrets and data keys.

Only short secrets and the data keys of larger objects, one for each, are encrypted with a master key itself. So a new
master key requires rewriting only those short texts, which are all in columns of the database.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = "1"
NONCE_BYTES = 12
KEY_BYTES = 32
NAME_BYTES = 8


class DecryptionError(ValueError):
    """Sealed text or stored bytes were changed or cut, or were made with a key that the service does not have."""


class MasterKey:
    """One master key, derived from the operator's text."""

    def __init__(self, text: str) -> None:
        """``text`` is any long random text; the derived key has the length that the cipher needs."""
        # The second half is the name of the key: it says which key opens a text, and reveals nothing about the first.
        derived = HKDF(SHA256(), KEY_BYTES + NAME_BYTES, salt=None, info=b"groundplan master key").derive(text.encode())
        self.cipher = AESGCM(derived[:KEY_BYTES])
        self.name = derived[KEY_BYTES:].hex()


class Keyring:
    """The master keys of the service: the first seals, every one unseals."""

    def __init__(self, keys: Sequence[str]) -> None:
        """``keys`` are the texts of the keys, the newest first."""
        ring = [MasterKey(key) for key in keys]
        self._newest = ring[0]
        self._by_name = {key.name: key for key in ring}

    def seal(self, secret: bytes) -> str:
        """The secret as text that only this key ring can unseal; another text each time."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        head = f"{VERSION}.{self._newest.name}"
        closed = self._newest.cipher.encrypt(nonce, secret, head.encode())
        return f"{head}.{urlsafe_b64encode(nonce + closed).decode().rstrip('=')}"

    def unseal(self, sealed: str) -> bytes:
        """The secret of a sealed text."""
        version, _, rest = sealed.partition(".")
        name, _, body = rest.partition(".")
        key = self._by_name.get(name)
        if version != VERSION or key is None:
            raise DecryptionError("sealed with a key that is not among GROUNDPLAN_ENCRYPTION_KEYS")
        try:
            closed = urlsafe_b64decode(body + "=" * (-len(body) % 4))
            return key.cipher.decrypt(closed[:NONCE_BYTES], closed[NONCE_BYTES:], f"{version}.{name}".encode())
        except (InvalidTag, ValueError) as error:
            raise DecryptionError("the sealed text was changed") from error

    @property
    def names(self) -> list[str]:
        """The names of the keys, which tell them apart and reveal nothing about them."""
        return list(self._by_name)

    @property
    def newest(self) -> str:
        """The prefix of every text that the newest key has sealed."""
        return f"{VERSION}.{self._newest.name}."
