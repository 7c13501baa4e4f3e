"""The agents that gunicorn starts beside itself, for the built-in pool."""

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from typing import Final

from app.agent import sandbox
from app.agent.settings import NAMES, NETWORK
from app.authentication.tokens import built_in_pool_token
from app.config import Settings
from app.doorbells import FOLDER

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5
# An agent that ends at once is started again less and less often.
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 60.0
HEALTHY_SECONDS: Final = 30.0
# An agent that serves nothing ends at once; one that applies goes on without the service.
STOP_SECONDS: Final = 1.0
# Without these, Python might not find itself or the package.
OF_PYTHON: Final = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
OF_THE_SYSTEM: Final = ("PATH", "HOME", "XDG_STATE_HOME", "TMPDIR", "LANG", "LANGUAGE")


def why_none(settings: Settings, environment: Mapping[str, str]) -> str | None:
    """Why no agent can be started here although one is wanted; None if nothing is in the way."""
    kind = environment.get("GROUNDPLAN_SANDBOX", "").strip() or "bwrap"
    if settings.agents == 0 or kind == "none":
        return None
    if kind == "container":
        return (
            "Runs are not executed here, because GROUNDPLAN_SANDBOX=container would let every configuration read the "
            "keys of the service, which is in the same container: set GROUNDPLAN_AGENTS=0 and start groundplan-agent "
            "in a container of its own."
        )
    if kind != "bwrap":
        return f"Runs are not executed here, because GROUNDPLAN_SANDBOX must be bwrap or none, not {kind}."
    reason = sandbox.why_unavailable(environment.get("GROUNDPLAN_SANDBOX_USER") or "nobody")
    if reason is None:
        return None
    return (
        f"Runs are not executed here, because no sandbox can be made ({reason}): allow user namespaces, or start "
        f"groundplan-agent in a container of its own, or set GROUNDPLAN_SANDBOX=none if every configuration may do "
        f"what this user may, or GROUNDPLAN_AGENTS=0 to hide this."
    )


class EmbeddedAgents:
    """Starts agents and starts them again, until it is stopped."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.settings = settings
        self._environment = agent_environment(settings, url)
        self._pids = [0] * settings.agents
        self._started = [0.0] * settings.agents
        self._pauses = [FIRST_PAUSE_SECONDS] * settings.agents
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="agents", daemon=True)

    def start(self) -> None:
        """Start them, in a thread that watches them."""
        (self.settings.home / FOLDER).mkdir(mode=0o700, exist_ok=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask them to end. One that applies goes on until its state is handed over."""
        self._ended.set()
        self._thread.join()
        running = [pid for pid in self._pids if pid]
        for pid in running:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGTERM)
        due = time.monotonic() + STOP_SECONDS
        while any(_is_alive(pid) for pid in running) and time.monotonic() < due:
            time.sleep(0.02)

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
            logger.warning("the agent %s has ended; it is started again", number)
            (self.settings.home / FOLDER / f"{self._pids[number]}.sock").unlink(missing_ok=True)
        self._started[number] = now
        name = f"{self._environment['GROUNDPLAN_AGENT_NAME']}-{number}"
        self._pids[number] = _spawn(self._environment | {"GROUNDPLAN_AGENT_NAME": name})


def _spawn(environment: dict[str, str]) -> int:
    """Start an agent; its process id.

    Not by subprocess: it waits at a pipe until the program is there, and a worker that gunicorn forks at the same time
    would keep that pipe open.
    """
    command = [sys.executable, "-m", "app.agent.main"]
    actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    ]
    # Gunicorn's sockets can be inherited, for the sake of upgrades: the port must not stay taken by an agent.
    actions += [(os.POSIX_SPAWN_CLOSE, number) for number in _inherited()]
    # A group of its own: a Ctrl-C at the terminal is for the service, which then asks its agents.
    return os.posix_spawn(sys.executable, command, environment, file_actions=actions, setpgroup=0)


def _inherited() -> list[int]:
    found = []
    for number in range(3, 256):
        with contextlib.suppress(OSError):
            if os.get_inheritable(number):
                found.append(number)
    return found


def agent_environment(settings: Settings, url: str) -> dict[str, str]:
    """What an embedded agent is told: its settings and its token, and nothing else that the service was told."""
    allowed = {*NAMES, *NETWORK, *OF_PYTHON, *OF_THE_SYSTEM}
    environment = {name: value for name, value in os.environ.items() if name in allowed or name.startswith("LC_")}
    if os.geteuid() != 0:
        environment.setdefault("GROUNDPLAN_AGENT_HOME", str(settings.home / "agents"))
    environment.setdefault("GROUNDPLAN_AGENT_NAME", "embedded")
    return environment | {
        "GROUNDPLAN_URL": url,
        "GROUNDPLAN_AGENT_TOKEN": built_in_pool_token(settings.secret_key),
        "GROUNDPLAN_HOME": str(settings.home),
        "GROUNDPLAN_AGENT_PARENT": str(os.getpid()),
        "GROUNDPLAN_DOORBELLS": str(settings.home / FOLDER),
    }


def _is_alive(pid: int) -> bool:
    """Whether a child runs, whoever has waited for it: gunicorn waits for all of its children."""
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] == 0
    return False
