"""Messages that wait to be sent: a short queue and one thread for each process.

A request puts a message there and goes on, however slow the mail server is. A message is lost if the queue is full, if
the server refuses it, or if the process dies; whoever asked for it can have it sent again.
"""

import logging
from collections.abc import Callable
from queue import Full, Queue
from threading import Lock, Thread
from typing import Final

from flask import Flask

from app.config import MailServer
from app.mail.server import Message, configure, hand_over

logger = logging.getLogger(__name__)

# As many as one request may send, and some.
WAITING: Final = 1_000

Taken = Callable[[], None]


class Outbox:
    """Takes messages, and gives each to the mail server in a thread of its own."""

    def __init__(self, app: Flask) -> None:
        """Start no thread yet: until the first message, the process may still fork."""
        self._app = app
        self._waiting: Queue[tuple[Message, Taken]] = Queue(maxsize=WAITING)
        self._starting = Lock()
        self._thread: Thread | None = None

    def put(self, message: Message, taken: Taken) -> None:
        """Have the message sent soon; ``taken`` is called when the server has taken it."""
        try:
            self._begin()
        except RuntimeError:
            # There is no room for another thread; the message waits for the next one to find some.
            logger.error("no thread can be started for mail now")  # noqa: TRY400 - there is no more to say
        try:
            self._waiting.put_nowait((message, taken))
        except Full:
            logger.error("a message was not sent: %d are waiting already", WAITING)  # noqa: TRY400 - there is no more to say

    def _begin(self) -> None:
        with self._starting:
            if self._thread is None:
                thread = Thread(target=self._run, name="outbox", daemon=True)
                thread.start()
                self._thread = thread

    def drain(self, seconds: float) -> bool:
        """Wait until all messages are sent, at most this long; returns whether they are."""
        done = self._waiting.all_tasks_done
        with done:
            return done.wait_for(lambda: self._waiting.unfinished_tasks == 0, seconds)

    def _run(self) -> None:
        while True:
            message, taken = self._waiting.get()
            try:
                hand_over(self._app, message)
                taken()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next message goes out
                # What servers and libraries say quotes the address, and the message has the link.
                logger.error("a message was not sent: %s", type(error).__name__)  # noqa: TRY400 - see above
            finally:
                self._waiting.task_done()


def connect_outbox(app: Flask, server: MailServer | None) -> Outbox | None:
    """The outbox of the application; None without a server for it."""
    if server is None:
        return None
    configure(app, server)
    return Outbox(app)
