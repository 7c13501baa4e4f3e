"""Takes tasks that are due and gives them to a few threads, so that one that hangs does not keep the others waiting."""

import logging
import os
import queue
import secrets
import select
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app.doorbells import FOLDER, OF_WORKER, listen
from app.services import services
from app.worker.claims import Claim, claim, ensure_periodic, is_anything_due, release, renew
from app.worker.handling import Handler
from app.worker.performing import perform

logger = logging.getLogger(__name__)

# Work that is due starts at most so much later.
LOOK_SECONDS: Final = 1.0
# How long running tasks may go on after the signal to stop; below the ten seconds that container runtimes wait.
STOP_SECONDS: Final = 8.0
SAY_AGAIN_SECONDS: Final = 60.0


class Worker:
    """Does background tasks until it is stopped. A task that was begun and not ended is done again by any worker."""

    def __init__(
        self,
        app: Flask,
        handlers: Mapping[str, Handler],
        periods: Mapping[str, int],
        parent: int | None = None,
    ) -> None:
        own = services(app)
        self._app = app
        self._handlers = handlers
        self._periods = periods
        self._parent = parent
        self._engines = own.engines
        self._threads = own.settings.worker_threads
        self._lease = float(own.settings.worker_lease_seconds)
        self._bells = own.settings.home / FOLDER
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._queue: queue.SimpleQueue[Claim | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        # What it has taken: until when the lease is renewed, or None if it was not begun. The attempt is in the key,
        # because a task that took too long may come back while its first attempt still hangs in a thread.
        self._held: dict[tuple[str, int], float | None] = {}
        self._stopping = threading.Event()
        self._waking, self._woken = socket.socketpair()
        self._waking.setblocking(False)  # noqa: FBT003
        self._woken.setblocking(False)  # noqa: FBT003
        self._bell: socket.socket | None = None
        self._renewed_at = time.monotonic()
        self._said_at: float | None = None

    def stop(self) -> None:
        """Take nothing more, and end when the running tasks are done. It may be called by a signal."""
        self._stopping.set()
        self._wake()

    def run(self) -> None:
        """Do tasks until it is stopped."""
        threads = [threading.Thread(target=self._work, daemon=True, name=f"task-{n}") for n in range(self._threads)]
        for each in threads:
            each.start()
        self._bell = self._listen()
        try:
            self._take_forever()
        finally:
            self._end(threads)

    def _take_forever(self) -> None:
        is_ready = False
        while not self._stopping.is_set():
            if self._parent is not None and os.getppid() != self._parent:
                logger.warning("the process that started this worker is gone, so it ends")
                return
            taken = 0
            try:
                if not is_ready:
                    with self._engines.writing.begin() as connection:
                        ensure_periodic(connection, self._periods)
                    is_ready = True
                self._renew()
                taken = self._take()
                self._said_at = None
            except SQLAlchemyError as error:
                self._say_once(error)
            if not taken:
                self._wait(LOOK_SECONDS)

    def _take(self) -> int:
        with self._lock:
            room = 2 * self._threads - len(self._held)
        # Several at a time, and a few more than there are threads, so that none is idle.
        if room < self._threads:
            return 0
        with self._engines.reading.connect() as connection:
            if not is_anything_due(connection, self._handlers):
                return 0
        with self._engines.writing.begin() as connection:
            found = claim(connection, self._handlers, self.owner, room, self._lease)
        with self._lock:
            self._held |= dict.fromkeys(map(_key, found), None)
        for each in found:
            self._queue.put(each)
        return len(found)

    def _renew(self) -> None:
        moment = time.monotonic()
        if moment - self._renewed_at < self._lease / 3:
            return
        with self._lock:
            held = dict(self._held)
        late = {key for key, until in held.items() if until is not None and until < moment}
        if len(late) >= self._threads:
            logger.error(
                "every thread hangs in a task: this worker ends at once, and its tasks are done by another one"
            )
            os._exit(os.EX_SOFTWARE)
        kept = {task_id for task_id, _ in held.keys() - late}
        if kept:
            with self._engines.writing.begin() as connection:
                renew(connection, self.owner, kept, self._lease)
        self._renewed_at = moment

    def _work(self) -> None:
        while (claimed := self._queue.get()) is not None:
            task = claimed.task
            handler = self._handlers[task.kind]
            with self._lock:
                self._held[_key(claimed)] = time.monotonic() + handler.longest_seconds
            try:
                perform(self._app, handler, claimed)
            except Exception as error:  # noqa: BLE001 - the task is done again when its lease ends
                logger.error("%s %s: the outcome could not be noted: %s", task.kind, task.id, type(error).__name__)  # noqa: TRY400 - the text may hold secrets
            finally:
                with self._lock:
                    del self._held[_key(claimed)]
                    is_short = len(self._held) <= self._threads
                if is_short:
                    self._wake()

    def _wait(self, seconds: float) -> None:
        files = [self._woken] if self._bell is None else [self._woken, self._bell]
        ready, _, _ = select.select(files, [], [], seconds)
        for file in ready:
            with suppress(BlockingIOError):
                while file.recv(64):
                    pass

    def _wake(self) -> None:
        with suppress(OSError):
            self._waking.send(b"1")

    def _listen(self) -> socket.socket | None:
        try:
            self._bells.mkdir(mode=0o700, exist_ok=True)
            return listen(self._bell_path)
        except OSError as error:
            logger.warning("there is no doorbell, so work that is due at once begins up to a second later: %s", error)
            return None

    @property
    def _bell_path(self) -> Path:
        return self._bells / f"{OF_WORKER}{os.getpid()}.sock"

    def _say_once(self, error: SQLAlchemyError) -> None:
        moment = time.monotonic()
        if self._said_at is None or moment - self._said_at > SAY_AGAIN_SECONDS:
            self._said_at = moment
            logger.error("tasks can't be looked for now: %s", type(error).__name__)

    def _end(self, threads: list[threading.Thread]) -> None:
        self._give_back()
        for _ in threads:
            self._queue.put(None)
        due = time.monotonic() + STOP_SECONDS
        for each in threads:
            each.join(max(0.0, due - time.monotonic()))
        if self._bell is not None:
            self._bell.close()
            self._bell_path.unlink(missing_ok=True)
        self._waking.close()
        self._woken.close()

    def _give_back(self) -> None:
        unbegun: list[Claim] = []
        with suppress(queue.Empty):
            while (claimed := self._queue.get_nowait()) is not None:
                unbegun.append(claimed)
        if not unbegun:
            return
        with self._lock:
            for each in unbegun:
                del self._held[_key(each)]
        with suppress(SQLAlchemyError), self._engines.writing.begin() as connection:
            release(connection, self.owner, [each.task.id for each in unbegun])


def _key(claimed: Claim) -> tuple[str, int]:
    return claimed.task.id, claimed.task.attempt
