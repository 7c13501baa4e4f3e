"""Master keys, and what they wrap.

Nothing is encrypted under a master key itself but short secrets and the data keys of larger things, one for each. So a
new master key needs nothing rewritten but those short texts, which all stand in columns of the database.
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
    """Sealed text or stored bytes that were changed, cut, or made with a key that is not at hand."""


class MasterKey:
    """One master key, derived from the text that the operator keeps."""

    def __init__(self, text: str) -> None:
        """Any long random text; what is derived from it has the length that the cipher wants."""
        # The second half only names the key: it tells which one opens a text, and nothing about the first.
        derived = HKDF(SHA256(), KEY_BYTES + NAME_BYTES, salt=None, info=b"groundplan master key").derive(text.encode())
        self.cipher = AESGCM(derived[:KEY_BYTES])
        self.name = derived[KEY_BYTES:].hex()


class Keyring:
    """The master keys of the service: the first seals, every one unseals."""

    def __init__(self, keys: Sequence[str]) -> None:
        """The texts of the keys, the newest first."""
        ring = [MasterKey(key) for key in keys]
        self._newest = ring[0]
        self._by_name = {key.name: key for key in ring}

    def seal(self, secret: bytes) -> str:
        """The secret as text that only this ring opens; another text each time."""
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
    def newest(self) -> str:
        """What every text begins with that the newest key has sealed."""
        return f"{VERSION}.{self._newest.name}."
