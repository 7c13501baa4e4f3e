"""The log of a phase, on its way from Terraform to the service.

Terraform never waits: everything goes to a file first, and a thread sends what is new. If nothing is under way, a line
is sent at once; while a request is under way, what comes meanwhile is gathered for the next one.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from app.agent.client import JobClient, JobLost, Refused, Unavailable, waits
from app.agent.mask import Mask

logger = logging.getLogger(__name__)

PIECE = 64 * 1024
# After an absence of the service, more goes into one request.
LARGE_PIECE = 512 * 1024
# So many requests at once, and so many in a second if the log never pauses.
BURST, RATE = 8.0, 8.0


class Log:
    """Collects and sends the log of one phase."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a log needs
        self,
        job: JobClient,
        spool: Path,
        mask: Mask,
        most: int,
        base: int = 0,
        lose: Callable[[], None] = lambda: None,
    ) -> None:
        self._job = job
        self._mask = mask
        self._most = most
        # How long the log was before: the service or an earlier agent may have written something.
        self._base = base
        self._spool = spool.open("w+b", buffering=0)
        self._changed = threading.Condition()
        self._length = 0
        self._sent = 0
        self._full = False
        self._closed = False
        self._lose = lose
        self._thread = threading.Thread(target=self._send_all, name=f"log-{job.path}", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Add what Terraform has printed."""
        self._append(self._mask.feed(data))

    def say(self, text: str) -> None:
        """Add a line of the agent."""
        self._append(self._mask.feed(b"", final=True))
        self._append(self._mask.text(text).encode("utf-8", "replace") + b"\n")

    def _append(self, data: bytes) -> None:
        if not data or self._full:
            return
        room = self._most - self._length
        if len(data) > room:
            self._full = True
            cut = data[:room].decode("utf-8", "ignore").encode()
            data = cut + f"\n\nThe log ends here: it is longer than {self._most} bytes.\n".encode()
        with self._changed:
            self._spool.seek(self._length)
            self._spool.write(data)
            self._length += len(data)
            self._changed.notify()

    def close(self) -> None:
        """Wait until everything has arrived, however long the service is away."""
        if not self._closed:
            self._append(self._mask.feed(b"", final=True))
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        self._spool.close()

    def _send_all(self) -> None:
        allowed, last = BURST, time.monotonic()
        pauses = waits()
        away = False
        while True:
            with self._changed:
                while self._sent == self._length and not self._closed:
                    self._changed.wait()
                now = time.monotonic()
                allowed, last = min(BURST, allowed + (now - last) * RATE), now
                if allowed < 1 and self._length - self._sent < PIECE and not self._closed:
                    self._changed.wait((1 - allowed) / RATE)
                    continue
                if self._sent == self._length:
                    return
                self._spool.seek(self._sent)
                data = self._spool.read(LARGE_PIECE if away else PIECE)
            allowed -= 1
            try:
                self._sent = self._job.log(self._base + self._sent, data) - self._base
            except Unavailable:
                away = True
                time.sleep(next(pauses))
            except JobLost:
                self._lose()
                return
            except Refused as refused:
                logger.warning("The service refuses the log of %s: %s", self._job.path, refused)
                return
            else:
                away, pauses = away and self._length - self._sent > PIECE, waits()
