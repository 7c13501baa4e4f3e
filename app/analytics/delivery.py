"""Delivers what happened to a sink: by background tasks what has changed, by a thread of the process what was read.

A read writes nothing, so it schedules no task; whether PostHog hears of each one matters to nobody.
"""

import logging
import threading
import time
from collections.abc import Iterable

from app.analytics.sink import AnalyticsEvent, Sink
from app.background import BackgroundQueue

logger = logging.getLogger(__name__)

WAITING = 1_000
"""The maximum of queued events; further ones are lost if the sink is unavailable for longer."""
SAY_AGAIN_AFTER = 60.0
"""Seconds between two lines of the log about lost events."""


class Delivery:
    """Sends events of reads to a sink. A request that captures one never waits and never fails because of it.

    What has changed is scheduled in its transaction (``app.web.transaction``), and a worker gives it to ``sink``.
    """

    def __init__(self, sink: Sink, waiting: int = WAITING) -> None:
        """Start no thread yet."""
        self.sink = sink
        self.lost = 0
        self._queue: BackgroundQueue[AnalyticsEvent] = BackgroundQueue("analytics", sink.capture, self._failed, waiting)
        self._lock = threading.Lock()
        self._said = 0
        self._said_at: float | None = None

    def capture(self, events: Iterable[AnalyticsEvent]) -> None:
        """Queue the events. If the queue is full, they are lost and counted."""
        if not self._queue.start():
            logger.warning("analytics: no thread can be started now")
        for event in events:
            if not self._queue.put(event):
                self._lose("the queue is full")

    def close(self, seconds: float) -> None:
        """Wait at most this long until the queued events are delivered; the rest is lost."""
        self.lost += self._queue.close(seconds)
        if self.lost > self._said:
            logger.warning("analytics: %d events lost in all", self.lost)

    def _failed(self, error: Exception) -> None:
        # The text of the error may contain secrets.
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
