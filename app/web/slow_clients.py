"""Reading what a client still sends after its request was refused.

A server that closes a connection with unread bytes resets it, and the client sees "broken pipe" instead of the reason.
So after such an answer the rest of the body is read and dropped, for a while; most clients stop when they see the
answer.
"""

import logging
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

logger = logging.getLogger(__name__)

PIECE: Final = 64 * 1024
AWAITED_BYTES: Final = 64 * 1024
"""A request of so many bytes is awaited before a thread reads it; the body of a longer one is read as it arrives."""
END_OF_HEAD: Final = b"\r\n\r\n"
BODY_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,12})[ \t]*\r", re.IGNORECASE)
# The body has an unknown length, or comes only when it is asked for.
UNKNOWN_LENGTH: Final = re.compile(rb"\r\n(?:transfer-encoding|expect):", re.IGNORECASE)
DRAIN_LIMIT: Final = 256 * 2**20
SECONDS: Final = 10


def missing_of(arrived: bytes) -> tuple[int, bool]:
    """How many bytes of a request must have arrived before it is read, if these have, and whether its body is long.

    0 if it can be read. This only decides about waiting; the server parses the request.
    """
    end = arrived.find(END_OF_HEAD)
    if end < 0:
        # Nothing at all means that the client has closed the connection.
        return (len(arrived) + 1 if 0 < len(arrived) < AWAITED_BYTES else 0), False
    head = arrived[: end + 2]
    if UNKNOWN_LENGTH.search(head):
        return 0, True
    length = BODY_LENGTH.search(head)
    whole = end + len(END_OF_HEAD) + (int(length[1]) if length else 0)
    if whole > AWAITED_BYTES:
        return 0, True
    return (whole if len(arrived) < whole else 0), False


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
