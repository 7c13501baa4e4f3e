"""Requests in whose midst the service asks another host: how many may wait so at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.jsonapi.errors import TooManyRequests
from app.web.context import release_reader

# Each of them keeps a thread of the server for as long as the other host likes, within limits.
AT_ONCE: Final = 4
_PLACES: Final = threading.BoundedSemaphore(AT_ONCE)


class TooManyVerifications(TooManyRequests):
    """Addresses of others are being verified just now, or this one was a moment ago."""

    code = "too-many-verifications"
    detail = "Too many addresses are being verified; try again later"


@contextmanager
def waiting_for_others() -> Iterator[None]:
    """Let the request wait for another host, without a connection to the database; 429 if too many do so already."""
    release_reader()
    if not _PLACES.acquire(blocking=False):
        raise TooManyVerifications.for_seconds(2)
    try:
        yield
    finally:
        _PLACES.release()
