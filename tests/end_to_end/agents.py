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
        """Kill it as the kernel would: terraform in its sandbox goes with it."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

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
