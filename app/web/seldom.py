"""Logging failures that come in masses, as in an outage: the first with its traceback, then how many followed."""

import logging
import time
from threading import Lock
from typing import Final

EVERY_SECONDS: Final = 60.0


class SeldomLog:
    """Logs failures of one kind: the first one with its traceback, then their number every so many seconds.

    The next one after as long a time without any is a first one again.
    """

    def __init__(self, logger: logging.Logger, text: str, every_seconds: float = EVERY_SECONDS) -> None:
        """``text`` says what has failed."""
        self._logger = logger
        self._text = text
        self._every = every_seconds
        self._lock = Lock()
        self._last_failed = self._said_at = float("-inf")
        self._count = 0

    def note(self, error: BaseException, *, why: str = "") -> None:
        """Log the failure, or count it. The first line also says ``why``, if that is harmless to say."""
        with self._lock:
            moment = time.monotonic()
            is_first = moment - self._last_failed > self._every
            self._last_failed = moment
            self._count = 1 if is_first else self._count + 1
            is_to_be_said = is_first or moment - self._said_at > self._every
            count = self._count
            if is_to_be_said:
                self._said_at, self._count = moment, 0
        if is_first:
            self._logger.error("%s: %s" if why else "%s%s", self._text, why, exc_info=error)
        elif is_to_be_said:
            self._logger.error("%s %d times more, at last by %s", self._text, count, type(error).__name__)
