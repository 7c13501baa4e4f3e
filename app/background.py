"""A bounded queue that one thread of the process empties, for work that requests must not wait for."""

import os
import time
from collections.abc import Callable
from queue import Empty, Full, Queue
from threading import Lock, Thread
from typing import Final, Generic, TypeVar, cast

Item = TypeVar("Item")

_END: Final = object()


class BackgroundQueue(Generic[Item]):
    """Passes items to ``handle``, one after the other, in a thread of its own.

    The thread starts with the first item, in the process that queues it, because threads do not survive a fork. Items
    that another process queued before the fork are left to that process. An item is lost if the queue is full,
    if ``handle`` raises, which is passed to ``failed``, or if the process ends.
    """

    def __init__(
        self, name: str, handle: Callable[[Item], None], failed: Callable[[Exception], None], maximum: int
    ) -> None:
        """Start no thread yet. The queue holds at most ``maximum`` items."""
        self._name = name
        self._handle = handle
        self._failed = failed
        self._maximum = maximum
        self._lock = Lock()
        self._process: int | None = None
        self._queue: Queue[Item | object] = Queue(maximum)
        self._thread: Thread | None = None

    def start(self) -> bool:
        """Start the thread if it does not run in this process; False if there is no room for another thread now.

        Without a thread the items wait, and the next call tries again.
        """
        if self._process == os.getpid():
            return True
        with self._lock:
            if self._process == os.getpid():
                return True
            if self._process is not None:
                self._queue = Queue(self._maximum)
            self._thread = Thread(target=self._run, args=(self._queue,), name=self._name, daemon=True)
            try:
                self._thread.start()
            except RuntimeError:
                return False
            self._process = os.getpid()
        return True

    def put(self, item: Item) -> bool:
        """Queue the item; False if the queue is full."""
        try:
            self._queue.put_nowait(item)
        except Full:
            return False
        return True

    def drain(self, seconds: float) -> bool:
        """Wait until all items are handled, at most this long; returns whether they are."""
        done = self._queue.all_tasks_done
        with done:
            return done.wait_for(lambda: self._queue.unfinished_tasks == 0, seconds)

    def close(self, seconds: float) -> int:
        """End the thread after the queued items, in at most this time; returns how many were not handled."""
        if self._process != os.getpid() or self._thread is None:
            return 0
        until = time.monotonic() + seconds
        try:
            self._queue.put(_END, timeout=seconds)
        except Full:
            pass
        else:
            self._thread.join(max(0.0, until - time.monotonic()))
        discarded = 0
        while True:
            try:
                discarded += self._queue.get_nowait() is not _END
            except Empty:
                return discarded

    @property
    def waiting(self) -> int:
        """How many items wait."""
        return self._queue.qsize()

    def _run(self, queue: Queue[Item | object]) -> None:
        while (item := queue.get()) is not _END:
            try:
                self._handle(cast("Item", item))
            except Exception as error:  # noqa: BLE001 - whatever it is, the next item is handled
                self._failed(error)
            finally:
                queue.task_done()
