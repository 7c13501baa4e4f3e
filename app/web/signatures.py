"""Signed texts: addresses, links and forms that only this service can have made.

itsdangerous signs and reads them. Two things differ from its own classes. A signature must be written exactly as it was
made: base64 leaves some bits of the last character unused, and its reader skips foreign characters, so several texts
would stand for one signature. And a text may come from the near future, because the clocks of several hosts differ a
little, and a clock may be set back.
"""

import hashlib
import hmac
from datetime import timedelta
from typing import Any, Final

from itsdangerous import BadData, Signer, TimestampSigner, URLSafeSerializer, URLSafeTimedSerializer
from itsdangerous.encoding import want_bytes

from app.persistence import now
from app.services import services

# How far the clock that signed may be ahead of the one that reads.
CLOCK_SKEW: Final = timedelta(minutes=5)
SECONDS: Final = 3600
_OPTIONS: Final = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}


class _ExactSigner(Signer):
    def verify_signature(self, value: str | bytes, sig: str | bytes) -> bool:
        return hmac.compare_digest(want_bytes(sig), self.get_signature(value))


class _ExactTimestampSigner(_ExactSigner, TimestampSigner):
    pass


class _HourlySigner(_ExactTimestampSigner):
    def get_timestamp(self) -> int:
        return super().get_timestamp() // SECONDS * SECONDS


class NotSigned(ValueError):
    """The text was not signed by this service for this purpose, or is too old."""


def sign(purpose: str, value: Any) -> str:  # noqa: ANN401 - JSON
    """The value as a text that is signed for the purpose, for good."""
    return str(_signer(purpose).dumps(value))


def read_signed(purpose: str, text: str) -> Any:  # noqa: ANN401 - JSON
    """The value in a text that ``sign`` has made."""
    try:
        return _signer(purpose).loads(text)
    except BadData:
        raise NotSigned from None


def sign_for_a_while(purpose: str, value: Any) -> str:  # noqa: ANN401 - JSON
    """The value as a text that is signed for the purpose, with the time."""
    return str(_timed_signer(purpose).dumps(value))


def sign_by_the_hour(purpose: str, value: Any) -> str:  # noqa: ANN401 - JSON
    """The text of ``sign_for_a_while`` as it was at the full hour, so that a document with it stays the same."""
    return str(_timed_signer(purpose, _HourlySigner).dumps(value))


def read_recently_signed(purpose: str, text: str, lifetime: timedelta) -> Any:  # noqa: ANN401 - JSON
    """The value in a text that ``sign_for_a_while`` has made no longer ago than the lifetime."""
    try:
        value, signed_at = _timed_signer(purpose).loads(text, return_timestamp=True)
    except BadData:
        raise NotSigned from None
    if not -CLOCK_SKEW <= now() - signed_at <= lifetime:
        raise NotSigned
    return value


def is_same(given: str, secret: str) -> bool:
    """Whether the text is the secret, found out in a time that tells nothing about the secret."""
    return hmac.compare_digest(given.encode(), secret.encode())


def derive_key(purpose: str) -> bytes:
    """A key for the purpose, which nobody can tell without the secret of the service."""
    return hmac.digest(_key().encode(), _salt(purpose).encode(), "sha256")


def _signer(purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(_key(), salt=_salt(purpose), signer=_ExactSigner, signer_kwargs=_OPTIONS)


def _timed_signer(purpose: str, signer: type[_ExactTimestampSigner] = _ExactTimestampSigner) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(_key(), salt=_salt(purpose), signer=signer, signer_kwargs=_OPTIONS)


def _key() -> str:
    return services().settings.secret_key


def _salt(purpose: str) -> str:
    # Nothing that is signed for one purpose is good for another one.
    return f"groundplan {purpose}"
