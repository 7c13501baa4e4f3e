"""Processes that gunicorn starts beside itself, and starts again when they end."""

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Final

from app.companions import IS_INSTALLED

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5
# A process that ends at once is started again less and less often.
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 60.0
HEALTHY_SECONDS: Final = 30.0


class Embedded(ABC):
    """Starts processes of one kind and starts them again, until it is stopped."""

    what: ClassVar[str]
    module: ClassVar[str]
    # How long to wait for their end. Whatever they have to do after that, they do without the service.
    stop_seconds: ClassVar[float]
    # How the names of their doorbells begin.
    bell: ClassVar[str] = ""

    def __init__(self, count: int, bells: Path) -> None:
        self._bells = bells
        self._pids = [0] * count
        self._started = [0.0] * count
        self._pauses = [FIRST_PAUSE_SECONDS] * count
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"{self.what}s", daemon=True)

    @abstractmethod
    def environment(self, number: int) -> dict[str, str]:
        """The whole environment of one of them."""

    def start(self) -> None:
        """Start them, in a thread that watches them."""
        self._bells.mkdir(mode=0o700, exist_ok=True)
        self._thread.start()

    def ask_to_end(self) -> None:
        """Ask them to end, and start none again."""
        self._ended.set()
        self._thread.join()
        for pid in self._running():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGTERM)

    def stop(self) -> None:
        """Ask them to end, and wait a little."""
        if not self._ended.is_set():
            self.ask_to_end()
        due = time.monotonic() + self.stop_seconds
        while self._running() and time.monotonic() < due:
            time.sleep(0.02)

    def _running(self) -> list[int]:
        return [pid for pid in self._pids if pid and _is_alive(pid)]

    def _watch(self) -> None:
        while not self._ended.is_set():
            for number, pid in enumerate(self._pids):
                if not pid or not _is_alive(pid):
                    self._start(number)
            self._ended.wait(LOOK_SECONDS)

    def _start(self, number: int) -> None:
        now = time.monotonic()
        if self._pids[number]:
            if now - self._started[number] > HEALTHY_SECONDS:
                self._pauses[number] = FIRST_PAUSE_SECONDS
            if now - self._started[number] < self._pauses[number]:
                return
            self._pauses[number] = min(LONGEST_PAUSE_SECONDS, 2 * self._pauses[number])
            logger.warning("the %s %s has ended; it is started again", self.what, number)
            (self._bells / f"{self.bell}{self._pids[number]}.sock").unlink(missing_ok=True)
        self._started[number] = now
        self._pids[number] = _spawn(self.module, self.environment(number))


def _spawn(module: str, environment: dict[str, str]) -> int:
    """Start a process; its id.

    Not by subprocess: it waits at a pipe until the program is there, and a worker that gunicorn forks at the same time
    would keep that pipe open.
    """
    # A folder named app where the service was started must not be taken for the installed package.
    command = [sys.executable, *(["-P"] if IS_INSTALLED else []), "-m", module]
    actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    ]
    # Gunicorn's sockets can be inherited, for the sake of upgrades: the port must not stay taken by this process.
    actions += [(os.POSIX_SPAWN_CLOSE, number) for number in _inherited()]
    # A group of its own: a Ctrl-C at the terminal is for the service, which then asks what it has started.
    return os.posix_spawn(sys.executable, command, environment, file_actions=actions, setpgroup=0)


def _inherited() -> list[int]:
    found = []
    for number in range(3, 256):
        with contextlib.suppress(OSError):
            if os.get_inheritable(number):
                found.append(number)
    return found


def _is_alive(pid: int) -> bool:
    """Whether a child runs, whoever has waited for it: gunicorn waits for all of its children."""
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] == 0
    return False
