"""Agents in processes of their own, as operators start them."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

from app.authentication.tokens import built_in_pool_token
from app.doorbells import FOLDER
from tests.end_to_end.service import REPOSITORY, SECONDS_TO_ANSWER, Service, poll_until


def processes_below(pid: int) -> list[int]:
    """The children of a process, their children, and so on."""
    try:
        children = [int(each) for task in Path(f"/proc/{pid}/task").iterdir() for each in _children(task)]
    except OSError:
        return []
    return [*children, *(each for child in children for each in processes_below(child))]


def _children(task: Path) -> list[str]:
    return (task / "children").read_text().split()


def wait_for_the_end_of(pids: list[int]) -> None:
    """Wait until these processes do nothing more. The kernel ends a sandbox a moment after the agent that made it."""
    poll_until(
        # A process that has ended, but that nobody has waited for, has no memory any more.
        lambda: not any(map(_command, pids)),
        SECONDS_TO_ANSWER,
        "the end of the sandbox",
    )


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


class AgentProcess:
    """An agent of the built-in pool. Its home survives it, so that another one can go on from there."""

    def __init__(self, service: Service, *, slots: int = 2, url: str | None = None) -> None:
        """Make its home, which the user of the sandbox may enter; nothing runs yet.

        ``url`` is another way to the service.
        """
        self.service = service
        self.home = Path(tempfile.mkdtemp(prefix="groundplan-agent-"))
        self.home.chmod(0o711)
        self.log = self.home / "agent.log"
        bells = service.home / FOLDER
        bells.mkdir(mode=0o700, exist_ok=True)
        foreign = ("GROUNDPLAN_", "FLASK_", "GUNICORN_", "TF_")
        inherited = {name: text for name, text in os.environ.items() if not name.startswith(foreign)}
        self._environment = inherited | {
            "GROUNDPLAN_URL": url or service.url,
            "GROUNDPLAN_AGENT_TOKEN": built_in_pool_token((service.home / "secret.key").read_text().strip()),
            "GROUNDPLAN_AGENT_NAME": "test",
            "GROUNDPLAN_AGENT_SLOTS": str(slots),
            "GROUNDPLAN_AGENT_HOME": str(self.home / "home"),
            "GROUNDPLAN_DOORBELLS": str(bells),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it, and wait until it is registered."""
        with self.log.open("ab") as log:
            begun = log.tell()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.agent.main"],
                cwd=REPOSITORY,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        poll_until(lambda: b"Registered as" in self.log.read_bytes()[begun:], SECONDS_TO_ANSWER, "a registered agent")
        return self

    def kill(self) -> None:
        """Kill it as the kernel would, and wait until terraform in its sandbox, which goes with it, is gone."""
        assert self.process is not None
        below = processes_below(self.process.pid)
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        wait_for_the_end_of(below)

    def stop(self) -> int:
        """End it gracefully; its exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def close(self) -> None:
        """Kill it if it runs, and remove its home."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.home, ignore_errors=True)
