"""Messages that wait to be sent: a short queue and one thread for each process.

A request queues a message and does not wait for the mail server. A message is lost if the queue is full, if
the server refuses it, or if the process dies; it can be sent again with the next request for it.
"""

import logging
from collections.abc import Callable
from typing import Final

from flask import Flask

from app.background import BackgroundQueue
from app.config import MailServer
from app.mail.server import Message, configure, hand_over

logger = logging.getLogger(__name__)

# More than one request may send.
WAITING: Final = 1_000

Taken = Callable[[], None]


class Outbox:
    """Queues messages, and sends them to the mail server in a thread of its own."""

    def __init__(self, app: Flask) -> None:
        """Start no thread yet."""
        self._app = app
        self._queue: BackgroundQueue[tuple[Message, Taken]] = BackgroundQueue("outbox", self._send, _failed, WAITING)

    def put(self, message: Message, taken: Taken) -> None:
        """Queue the message; ``taken`` is called when the server has accepted it."""
        if not self._queue.start():
            logger.error("no thread can be started for mail now")
        if not self._queue.put((message, taken)):
            logger.error("a message was not sent: %d are waiting already", WAITING)

    def drain(self, seconds: float) -> bool:
        """Wait until all messages are sent, at most this long; returns whether they are."""
        return self._queue.drain(seconds)

    def _send(self, item: tuple[Message, Taken]) -> None:
        message, taken = item
        hand_over(self._app, message)
        taken()


def _failed(error: Exception) -> None:
    # Only the type of the error: its text may quote the address and the message, which has the link.
    logger.error("a message was not sent: %s", type(error).__name__)


def connect_outbox(app: Flask, server: MailServer | None) -> Outbox | None:
    """The outbox of the application; None without a server for it."""
    if server is None:
        return None
    configure(app, server)
    return Outbox(app)
