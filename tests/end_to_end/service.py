"""The real server in a process of its own, as an operator starts it."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
from pytfe import TFEClient, TFEConfig
from sqlalchemy import Connection, NullPool, create_engine

from app.variables import sqlalchemy_url
from tests.end_to_end.forked import Forked

REPOSITORY = Path(__file__).resolve().parents[2]
GUNICORN = ("gunicorn", "-c", "gunicorn.conf.py", "wsgi:app")
WORKERS = 2
# The operator may choose the first user's token; whether bootstrap repeats it in its answer is bootstrap's affair.
BOOTSTRAP_TOKEN = "end-to-end-tests-choose-their-own-token"
MEDIA_TYPE = "application/vnd.api+json"
SECONDS_TO_START = 30
SECONDS_TO_STOP = 10
SECONDS_TO_ANSWER = 60
# For clients that speak plain HTTP: to read the certificates that the machine trusts takes longer than most requests.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class ServiceFailedError(AssertionError):
    """A command of the service ended otherwise than it must; the text ends with what the service logged."""


def poll_until(claim: Callable[[], bool], seconds: float, expectation: str) -> None:
    """Ask again and again until the claim holds: the less often the longer it takes to ask.

    Who asks the service all the time keeps it from what is waited for.
    """
    begun = time.monotonic()
    asked = begun
    while not claim():
        answered = time.monotonic()
        if answered > begun + seconds:
            message = f"not within {seconds} seconds: {expectation}"
            raise ServiceFailedError(message)
        time.sleep(min(max(0.02, 4 * (answered - asked)), 0.2))
        asked = time.monotonic()


class Service:
    """One installation of Groundplan: its database, its home and, while it runs, its process group."""

    def __init__(
        self, home: Path, database_url: str, workers: int = WORKERS, settings: Mapping[str, str] | None = None
    ) -> None:
        """Choose a port; nothing runs yet. Settings are variables of the environment."""
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = home / "service.log"
        self.home = home / "home"
        self.store = self.home / "blobs"
        self.database_url = database_url
        self.own_settings = dict(settings or {})
        self._environment = _environment(home, database_url, self.port, workers) | self.own_settings
        self._process: subprocess.Popen[bytes] | Forked | None = None
        # By default it is a fork of what is imported; a test about the start itself gives the command.
        self.command: list[str] | None = None
        self.folder = REPOSITORY
        self._trusted = NO_CERTIFICATES
        self.organization = ""
        self.username = ""
        self.user_token = ""
        self.organization_token = ""

    def install(self) -> Self:
        """Create the tables and the first organization, and remember its tokens."""
        self.run_flask("db", "upgrade")
        first = self.bootstrap()
        self.organization = first["organization"]
        self.username = first["username"]
        self.user_token = first.get("user_token") or BOOTSTRAP_TOKEN
        self.organization_token = first["organization_token"]
        return self

    def install_as(self, other: "Service") -> Self:
        """Take over the home and the tokens of another service, on a copy of its database."""
        shutil.copytree(other.home, self.home)
        self.organization = other.organization
        self.username = other.username
        self.user_token = other.user_token
        self.organization_token = other.organization_token
        return self

    def bootstrap(self) -> dict[str, Any]:
        """What ``flask bootstrap --json`` prints: one JSON object and nothing else."""
        answer: dict[str, Any] = json.loads(self.run_flask("bootstrap", "--json"))
        return answer

    def run_flask(self, *arguments: str, given: str = "") -> str:
        """Run a command of the service with this as its standard input; its standard output."""
        with tempfile.TemporaryDirectory() as folder:
            standard_input, output = Path(folder, "input"), Path(folder, "output")
            standard_input.write_text(given)
            command = Forked(
                ["flask", "--app", "wsgi", *arguments],
                folder=REPOSITORY,
                environment=self._environment,
                output=output,
                errors=self.log,
                given=standard_input,
            )
            status = command.wait(120)
            if status != 0:
                message = f"flask {' '.join(arguments)} ended with {status}\n{self.last_log_lines()}"
                raise ServiceFailedError(message)
            return output.read_text()

    def with_certificate(self, certificate: Path, gunicorn_arguments: str) -> Self:
        """Speak https from the next start on, by these arguments of gunicorn."""
        self._environment["GUNICORN_CMD_ARGS"] = gunicorn_arguments
        self._trusted = ssl.create_default_context(cafile=certificate)
        self.url = f"https://127.0.0.1:{self.port}"
        return self

    def set(self, **settings: str) -> Self:
        """Have these settings from the next start on."""
        self._environment |= settings
        return self

    def without_certificate(self) -> Self:
        """Speak http again from the next start on."""
        del self._environment["GUNICORN_CMD_ARGS"]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def start(self) -> Self:
        """Start gunicorn in a process group of its own and wait for its first answer."""
        self._process = self._started()
        try:
            poll_until(self._answers_or_ended, SECONDS_TO_START, "an answer to ping")
        except ServiceFailedError as late:
            self.kill()
            message = f"{late}\n{self.last_log_lines()}"
            raise ServiceFailedError(message) from None
        ended = self._process.poll()
        if ended is not None:
            self._process = None
            message = f"gunicorn ended with {ended} while it started\n{self.last_log_lines()}"
            raise ServiceFailedError(message)
        return self

    def stop(self) -> int:
        """Ask the server to end, as a supervisor does; its exit status."""
        process = self._running()
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self.kill()
            message = f"gunicorn still ran {SECONDS_TO_STOP} seconds after SIGTERM\n{self.last_log_lines()}"
            raise ServiceFailedError(message) from None
        self._process = None
        return status

    def kill(self) -> None:
        """End the server and all its workers at once, as a loss of power does."""
        process = self._running()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._process = None

    def agents(self) -> list[int]:
        """The processes of the agents that it has started."""
        return self.children("app.agent.main")

    def children(self, module: str) -> list[int]:
        """The processes with this module that it has started."""
        threads = Path(f"/proc/{self._running().pid}/task").iterdir()
        children = [child for thread in threads for child in (thread / "children").read_text().split()]
        return [int(each) for each in children if module.encode() in Path(f"/proc/{each}/cmdline").read_bytes()]

    def is_running(self) -> bool:
        """Whether the server was started and has neither ended nor been stopped."""
        return self._process is not None and self._process.poll() is None

    def client(self, token: str | None) -> httpx.Client:
        """An HTTP client that sends JSON:API with the token."""
        headers = {"Content-Type": MEDIA_TYPE}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return httpx.Client(
            base_url=f"{self.url}/api/v2/",
            headers=headers,
            timeout=SECONDS_TO_ANSWER,
            trust_env=False,
            verify=NO_CERTIFICATES,
        )

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """A transaction on the database, beside the server."""
        engine = create_engine(sqlalchemy_url(self.database_url), poolclass=NullPool)
        with engine.connect() as connection, connection.begin():
            yield connection

    def last_log_lines(self, count: int = 60) -> str:
        """The end of everything the service printed."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-count:])

    def _started(self) -> subprocess.Popen[bytes] | Forked:
        if self.command is None:
            return Forked(GUNICORN, folder=self.folder, environment=self._environment, output=self.log, errors=self.log)
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own command
                self.command,
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _running(self) -> subprocess.Popen[bytes] | Forked:
        if self._process is None:
            message = "the service is not running"
            raise ServiceFailedError(message)
        return self._process

    def _answers_or_ended(self) -> bool:
        if not self.is_running():
            return True
        try:
            ping = httpx.get(f"{self.url}/api/v2/ping", timeout=5, trust_env=False, verify=self._trusted)
        except httpx.TransportError:
            return False
        return ping.status_code == httpx.codes.NO_CONTENT


def sdk(service: Service, token: str) -> TFEClient:
    """The official SDK over plain HTTP; it shows the first failure instead of repeating the request."""
    config = TFEConfig(
        address=service.url,
        token=token,
        timeout=SECONDS_TO_ANSWER,
        max_retries=0,
        http2=False,
        # Else the file that SSL_CERT_FILE names on this machine, which the SDK hands on in a deprecated way.
        ca_bundle=None,
    )
    return TFEClient(config)


def document(
    kind: str,
    attributes: Mapping[str, object],
    relationships: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """A JSON:API request document."""
    resource: dict[str, object] = {"type": kind, "attributes": attributes}
    if relationships is not None:
        resource["relationships"] = relationships
    return {"data": resource}


def _environment(home: Path, database_url: str, port: int, workers: int) -> dict[str, str]:
    # Nothing of the machine's own installation may leak in.
    foreign = ("GROUNDPLAN_", "FLASK_", "GUNICORN_")
    inherited = {name: text for name, text in os.environ.items() if not name.startswith(foreign)}
    return inherited | {
        "DATABASE_URL": database_url,
        "GROUNDPLAN_HOME": str(home / "home"),
        # Each start of the service uses what pip and the tests have compiled.
        "PYTHONDONTWRITEBYTECODE": "",
        "GROUNDPLAN_BOOTSTRAP_TOKEN": BOOTSTRAP_TOKEN,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WEB_CONCURRENCY": str(workers),
        "GROUNDPLAN_ACCESS_LOG": "1",
        # Tests that want agents or workers start them.
        "GROUNDPLAN_AGENTS": "0",
        "GROUNDPLAN_WORKERS": "0",
    }


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
