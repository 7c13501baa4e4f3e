"""What is looked up now and then, and remembered in between."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, TypeVar, cast
from weakref import WeakKeyDictionary

from flask import Flask, current_app

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """A function whose value is remembered for seconds, for each application.

    While one caller looks, others get the value of before; only if there is none do they wait. So a slow look never
    blocks more than one thread for long.
    """

    def __init__(self, look: Callable[[], Value], seconds: float) -> None:
        self._look = look
        self._seconds = seconds
        self._lock = Lock()
        self._seen: WeakKeyDictionary[Flask, tuple[float, Any]] = WeakKeyDictionary()

    def __call__(self) -> Value:
        """The value, which may be some seconds old."""
        app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - as Flask's docs say
        seen = self._seen.get(app)
        if seen is not None and time.monotonic() - seen[0] <= self._seconds:
            return cast("Value", seen[1])
        if not self._lock.acquire(blocking=seen is None):
            assert seen is not None
            return cast("Value", seen[1])
        try:
            # Another caller may have looked while this one waited.
            seen = self._seen.get(app)
            if seen is None or time.monotonic() - seen[0] > self._seconds:
                found = self._look()
                seen = self._seen[app] = (time.monotonic(), found)
        finally:
            self._lock.release()
        return cast("Value", seen[1])
