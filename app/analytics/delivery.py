"""From requests to a sink: a bounded queue, emptied by one thread in each process."""

import logging
import os
import threading
import time
from collections.abc import Iterable
from queue import Empty, Full, Queue

from app.analytics.sink import AnalyticsEvent, Sink

logger = logging.getLogger(__name__)

WAITING = 1_000
"""How many events wait at most; a sink that is away for longer loses those that follow."""
SAY_AGAIN_AFTER = 60.0
"""Seconds between two lines of the log about lost events."""

_END = None


class Delivery:
    """Hands events to a sink. Whoever captures an event never waits and never fails because of it.

    The thread starts with the first event, in the process that captures it, because threads do not survive a fork.
    """

    def __init__(self, sink: Sink, waiting: int = WAITING) -> None:
        """Start no thread yet."""
        self.lost = 0
        self._sink = sink
        self._waiting = waiting
        self._lock = threading.Lock()
        self._process: int | None = None
        self._queue: Queue[AnalyticsEvent | None] = Queue(waiting)
        self._thread: threading.Thread | None = None
        self._said = 0
        self._said_at: float | None = None

    def capture(self, events: Iterable[AnalyticsEvent]) -> None:
        """Take the events. Those that find no room in the queue are lost, and counted."""
        try:
            self._begin()
        except RuntimeError:
            # There is no room for another thread; nothing empties the queue, and the next event tries again.
            logger.warning("analytics: no thread can be started now")
        for event in events:
            try:
                self._queue.put_nowait(event)
            except Full:
                self._lose("the queue is full")

    def close(self, seconds: float) -> None:
        """Wait at most this long until the queued events are delivered; the rest is lost."""
        if self._thread is None or self._process != os.getpid():
            return
        until = time.monotonic() + seconds
        try:
            self._queue.put(_END, timeout=seconds)
        except Full:
            pass
        else:
            self._thread.join(max(0.0, until - time.monotonic()))
        self.lost += self._drained()
        if self.lost > self._said:
            logger.warning("analytics: %d events lost in all", self.lost)

    def _begin(self) -> None:
        if self._process == os.getpid():
            return
        with self._lock:
            if self._process == os.getpid():
                return
            # What another process has queued before the fork is its own to deliver.
            self._queue = Queue(self._waiting)
            self._thread = threading.Thread(target=self._deliver, args=(self._queue,), name="analytics", daemon=True)
            self._thread.start()
            self._process = os.getpid()

    def _deliver(self, queue: Queue[AnalyticsEvent | None]) -> None:
        while (event := queue.get()) is not _END:
            try:
                self._sink.capture(event)
            except Exception as error:  # noqa: BLE001 - sinks fail as they like, and nobody is to notice
                # Its text may hold what is secret.
                self._lose(type(error).__name__)

    def _lose(self, why: str) -> None:
        with self._lock:
            self.lost += 1
            now = time.monotonic()
            is_news = self._said_at is None or now - self._said_at >= SAY_AGAIN_AFTER
            if is_news:
                self._said_at = now
                self._said = self.lost
            lost = self.lost
        if is_news:
            logger.warning("analytics: %d events lost so far (%s)", lost, why)

    def _drained(self) -> int:
        remaining = 0
        while True:
            try:
                remaining += self._queue.get_nowait() is not _END
            except Empty:
                return remaining
