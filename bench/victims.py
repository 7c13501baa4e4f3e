"""A service and agents that are killed again and again, and start again each time."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from random import Random

from app.authentication.tokens import built_in_pool_token
from app.doorbells import FOLDER
from bench.places import REPOSITORY

# By whom it is hit, how often in a hundred.
TARGETS: Mapping[str, int] = {"agent": 55, "worker": 20, "service": 15, "pause": 10}
LONGEST_ABSENCE = 4.0
LONGEST_PAUSE = 15.0


class Victims:
    """Gunicorn with its workers, and agents, each with a home that survives it."""

    def __init__(self, folder: Path, settings: Mapping[str, str], agents: int, dice: Random) -> None:
        self.settings = dict(settings)
        self.folder = folder
        self.dice = dice
        self.hits: Counter[str] = Counter()
        self._service: subprocess.Popen[bytes] | None = None
        self._agents: list[subprocess.Popen[bytes] | None] = [None] * agents
        # When each of them starts again, or goes on.
        self._service_due = 0.0
        self._agents_due = [0.0] * agents
        self._paused: dict[int, float] = {}
        home = Path(settings["GROUNDPLAN_HOME"])
        bells = home / FOLDER
        bells.mkdir(mode=0o700, exist_ok=True)
        foreign = ("GROUNDPLAN_", "FLASK_", "GUNICORN_", "TF_", "DATABASE_URL")
        inherited = {name: text for name, text in os.environ.items() if not name.startswith(foreign)}
        self._of_agents = inherited | {
            "GROUNDPLAN_URL": f"http://127.0.0.1:{settings['PORT']}",
            "GROUNDPLAN_AGENT_TOKEN": built_in_pool_token((home / "secret.key").read_text().strip()),
            "GROUNDPLAN_AGENT_SLOTS": "2",
            "GROUNDPLAN_DOORBELLS": str(bells),
        }

    def look(self) -> None:
        """Start whoever is due, and let sleepers go on."""
        now = time.monotonic()
        if (self._service is None or self._service.poll() is not None) and now >= self._service_due:
            self._service = self._start("service", ["-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"], {})
        for number, process in enumerate(self._agents):
            if (process is None or process.poll() is not None) and now >= self._agents_due[number]:
                own = {"GROUNDPLAN_AGENT_NAME": str(number), "GROUNDPLAN_AGENT_HOME": str(self._home(number))}
                self._agents[number] = self._start(f"agent-{number}", ["-m", "app.agent.main"], self._of_agents | own)
        for number, due in list(self._paused.items()):
            if now >= due:
                self._go_on(number)

    def hit(self) -> bool:
        """Kill, or stop for a while, somebody by chance; False if they are down already."""
        [target] = self.dice.choices(list(TARGETS), list(TARGETS.values()))
        now = time.monotonic()
        if target in {"service", "worker"} and (self._service is None or self._service.poll() is not None):
            return False
        if target == "service" and self._service is not None:
            os.killpg(self._service.pid, signal.SIGKILL)
            self._service.wait()
            self._service_due = now + self.dice.uniform(0, LONGEST_ABSENCE)
        elif target == "worker" and self._service is not None:
            workers = _children(self._service.pid)
            if not workers:
                return False
            os.kill(self.dice.choice(workers), signal.SIGKILL)
        else:
            number = self.dice.randrange(len(self._agents))
            process = self._agents[number]
            if process is None or process.poll() is not None:
                return False
            if target == "pause":
                process.send_signal(signal.SIGSTOP)
                self._paused[number] = now + self.dice.uniform(0, LONGEST_PAUSE)
            else:
                process.kill()
                process.wait()
                self._paused.pop(number, None)
                self._agents_due[number] = now + self.dice.uniform(0, LONGEST_ABSENCE)
        self.hits[target] += 1
        return True

    def heal(self) -> None:
        """Let everybody go on, or start again at once."""
        self._service_due = 0.0
        self._agents_due = [0.0] * len(self._agents)
        self._paused = dict.fromkeys(self._paused, 0.0)
        self.look()

    def end(self) -> None:
        """End everybody."""
        self.heal()
        for process in (*self._agents, self._service):
            if process is not None and process.poll() is None:
                process.terminate()
        for process in (*self._agents, self._service):
            if process is not None:
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()

    def _go_on(self, number: int) -> None:
        self._paused.pop(number, None)
        process = self._agents[number]
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGCONT)

    def _home(self, number: int) -> Path:
        home = self.folder / f"agent-{number}"
        # The user of the sandbox must be able to enter it.
        home.mkdir(mode=0o711, exist_ok=True)
        return home

    def _start(self, name: str, arguments: list[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments],
                cwd=REPOSITORY,
                env=dict(environment or self.settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def new_seed() -> int:
    """A seed for the dice, to be told, so that the same hits can be tried again."""
    return secrets.randbelow(10**6)


def _children(parent: int) -> list[int]:
    try:
        found = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(each) for each in found.split()]
