"""Reading what a client still sends after its request was refused.

A server that closes a connection with unread bytes resets it, and the client sees "broken pipe" instead of the reason.
So after such an answer the rest of the body is read and dropped, for a while; most clients stop when they see the
answer.
"""

import logging
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

logger = logging.getLogger(__name__)

PIECE: Final = 64 * 1024
DRAIN_LIMIT: Final = 256 * 2**20
SECONDS: Final = 10


def drain_body(environment: Mapping[str, Any]) -> None:
    """Read the rest of the request's body, up to a number of bytes and seconds. The answer has been sent already."""
    connection = environment.get("gunicorn.socket")
    if connection is None:
        return
    deadline = time.monotonic() + SECONDS
    left = DRAIN_LIMIT
    before = connection.gettimeout()
    connection.settimeout(1)
    try:
        with read_deadline(environment, SECONDS):
            while left > 0 and time.monotonic() < deadline:
                piece = environment["wsgi.input"].read(PIECE)
                if not piece:
                    return
                left -= len(piece)
    except Exception as error:  # noqa: BLE001 - whatever the server finds wrong with bytes that nobody wants
        logger.debug("the rest of a refused request could not be read: %s", error)
    finally:
        connection.settimeout(before)


@contextmanager
def read_deadline(environment: Mapping[str, Any], seconds: float) -> Iterator[None]:
    """Stop reading from the client if the block takes too long; the block then sees a closed connection.

    A read ends only when it has all the bytes that it asked for. A client that sends a byte now and then could block a
    thread for hours, and a handful of such connections could block all threads.
    """
    connection = environment.get("gunicorn.socket")
    if connection is None:
        yield
        return
    timer = threading.Timer(seconds, shut_down_reading, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def shut_down_reading(connection: socket.socket) -> None:
    """Make reads from the connection end as if the client had closed it."""
    # Not by the method of the TLS connection, which would then go on without TLS.
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RD)
