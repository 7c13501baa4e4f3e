"""Commands of the service in processes of their own, without the time that its imports take.

To import the service takes most of what a start costs, and the tests start it some hundred times. A fork server imports
it once, and each command is a fork of that: settings are read and everything is made from then on, as in any start.
What starts really from nothing is in ``test_serve``, ``test_wheel`` and ``test_container``.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.end_to_end.preloaded"])


class Forked:
    """A running command, asked about like ``subprocess.Popen``; it leads a process group of its own."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        output: Path,
        errors: Path,
        given: Path | None = None,
    ) -> None:
        """Run a module with arguments, like ``python -m``; what it writes is added to the files."""
        files = (str(given or os.devnull), str(output), str(errors))
        self._process: ForkServerProcess = FORKS.Process(
            target=run, args=(list(command), str(folder), dict(environment), files)
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """The exit status, if it has ended; of a signal, it is negative."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """The exit status when it has ended."""
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return status

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


def run(command: list[str], folder: str, environment: dict[str, str], files: tuple[str, str, str]) -> None:
    """Be the command."""
    os.setsid()
    os.chdir(folder)
    sys.path[0] = folder
    os.environ.clear()
    os.environ.update(environment)
    writing = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, (path, flags) in enumerate(zip(files, (os.O_RDONLY, writing, writing), strict=True)):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    # The one that multiprocessing has put there reads nothing.
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - until the process ends
    sys.argv = command
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)
