"""What a client still sends although it has been refused.

A server that closes a connection on unread bytes resets it, and the client reads "broken pipe" instead of why it was
refused. So after such an answer the rest is read and dropped, for a while; most clients stop when they see the answer.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

logger = logging.getLogger(__name__)

PIECE: Final = 64 * 1024
MOST: Final = 256 * 2**20
SECONDS: Final = 10


def read_off(environment: Mapping[str, Any]) -> None:
    """Read what is left of the body of the request, within bounds of bytes and time; the answer has been sent."""
    connection = environment.get("gunicorn.socket")
    if connection is None:
        return
    deadline = time.monotonic() + SECONDS
    left = MOST
    before = connection.gettimeout()
    connection.settimeout(1)
    try:
        while left > 0 and time.monotonic() < deadline:
            piece = environment["wsgi.input"].read(PIECE)
            if not piece:
                return
            left -= len(piece)
    except Exception as error:  # noqa: BLE001 - whatever the server finds wrong with bytes that nobody wants
        logger.debug("the rest of a refused request could not be read: %s", error)
    finally:
        connection.settimeout(before)
