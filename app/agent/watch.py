"""Watches one job: its time, its memory, the disk it uses."""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from app.agent.directory import disk_usage
from app.agent.settings import MIB, Limits
from app.agent.terraform import Control

logger = logging.getLogger(__name__)

MEMORY_SECONDS = 2.0
DISK_SECONDS = 10.0
PAGE = os.sysconf("SC_PAGE_SIZE")


class Watch:
    """A thread that stops a job which goes beyond its limits."""

    def __init__(self, control: Control, limits: Limits, seconds: float, used: Callable[[], list[Path]]) -> None:
        self._control = control
        self._limits = limits
        self._seconds = seconds
        self._used = used
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        begun = time.monotonic()
        of_disk = begun + DISK_SECONDS
        kill_at: float | None = None
        while not self._ended.wait(min(MEMORY_SECONDS, max(0.1, self._seconds / 10))):
            now = time.monotonic()
            if kill_at is not None:
                if now > kill_at:
                    self._control.kill()
                continue
            reason = None
            if now - begun > self._seconds:
                reason = f"The run took longer than it may, {self._seconds:.0f} seconds."
            elif memory_of(self._control.groups()) > self._limits.memory:
                reason = f"The run used more memory than it may, {self._limits.memory // MIB} MiB."
            elif now > of_disk:
                if sum(map(disk_usage, self._used())) > self._limits.disk:
                    reason = f"The run used more of the disk than it may, {self._limits.disk // MIB} MiB."
                # Counting large directories takes its time.
                of_disk = time.monotonic() + DISK_SECONDS + 10 * (time.monotonic() - now)
            if reason is not None:
                logger.warning("%s", reason)
                self._control.interrupt(reason)
                kill_at = now + self._limits.grace_seconds


def memory_of(processes: Iterable[int]) -> int:
    """How much memory these processes use, with all that they have started; 0 where that can't be found out."""
    total = 0
    pending = list(processes)
    while pending:
        process = pending.pop()
        with contextlib.suppress(OSError, ValueError, IndexError):
            total += int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE
            for task in Path(f"/proc/{process}/task").iterdir():
                pending += [int(child) for child in (task / "children").read_text().split()]
    return total
