"""A small service that speaks the protocol of agents, with jobs in memory, for tests of the agent alone."""

import contextlib
import io
import itertools
import json
import socket
import tarfile
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class ServedJob:
    """One job, with what the agent is given and what it has handed over."""

    document: dict[str, Any]
    variables: list[dict[str, Any]] = field(default_factory=list)
    token: str = "token-of-the-job"
    configuration: bytes | None = None
    state: bytes | None = None
    given: dict[str, bytes] = field(default_factory=dict)
    log: bytes = b""
    log_times: list[float] = field(default_factory=list)
    states: list[tuple[bytes, bool]] = field(default_factory=list)
    artifacts: dict[str, bytes] = field(default_factory=dict)
    result: dict[str, Any] | None = None
    # The sets of policies that count, and what the agent tells of them.
    policy_sets: list[dict[str, Any]] = field(default_factory=list)
    outcomes: dict[str, Any] | None = None
    signal: str = "none"
    started: int = 0
    renewed: int = 0
    lost: bool = False
    finished: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_for_log(self, text: str, seconds: float = 10.0) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: text in self.text, seconds), self.text

    @property
    def text(self) -> str:
        return self.log.decode()


class AgentService:
    """The service; `away` makes it answer everything with 503."""

    def __init__(self) -> None:
        self.queue: list[ServedJob] = []
        self.jobs: dict[str, ServedJob] = {}
        self.agents: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str]] = []
        self.away = False
        self.token = "pool-token"
        # What is refused with 422, by the last part of the path.
        self.broken: set[str] = set()
        # The same, but only the first time.
        self.broken_once: set[str] = set()
        # What a proxy in between answers with a page of its own, and what with 503, named in the same way.
        self.pages: set[str] = set()
        self.unavailable: set[str] = set()
        # The jobs whose leases are answered only when this is set.
        self.hanging: set[str] = set()
        self.released = threading.Event()
        self.bells: Path | None = None
        self.refuse_registration = False
        self.retry_after = "30"
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()
        service = self

        class Handler(_Handler):
            owner = service

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def add(self, phase: str = "plan", **changes: Any) -> ServedJob:
        """Queue a job; the changes are of its document, `run` and `workspace` are merged."""
        number = next(self.numbers)
        run = {
            "id": f"run-{number}",
            "message": "m",
            "is-destroy": False,
            "refresh": True,
            "refresh-only": False,
            "plan-only": False,
            "save-plan": False,
            "auto-apply": False,
            "allow-empty-apply": False,
            "allow-config-generation": False,
            "debugging-mode": False,
            "target-addrs": [],
            "replace-addrs": [],
            "created-by": "ada",
        }
        workspace = {"id": "ws-1", "name": "net", "working-directory": "", "project-id": "prj-1", "project-name": "P"}
        document = {
            "id": f"job-{number}",
            "fence": 7,
            "phase": phase,
            "lease-seconds": 60,
            "timeout-seconds": 600,
            "organization": "acme",
            "tool": "terraform",
            "version": "latest",
            "json-log": False,
            "configuration-size": None,
            **changes,
            "run": run | changes.get("run", {}),
            "workspace": workspace | changes.get("workspace", {}),
        }
        job = ServedJob(document)
        self.jobs[document["id"]] = job
        return job

    def add_apply(self, planned: ServedJob, **changes: Any) -> ServedJob:
        """Queue the apply of a run that was planned."""
        job = self.add("apply", version=(planned.result or {}).get("terraform-version"), **changes)
        job.document["run"] = planned.document["run"]
        job.document["workspace"] = planned.document["workspace"]
        job.configuration, job.variables, job.state = planned.configuration, planned.variables, planned.state
        job.given = planned.artifacts
        return job

    def run(self, job: ServedJob, seconds: float = 30.0) -> dict[str, Any]:
        """Offer a job, ring, and wait for its end: the result."""
        self.offer(job)
        assert job.finished.wait(seconds), job.text
        assert job.result is not None
        return job.result

    def offer(self, job: ServedJob) -> ServedJob:
        with self.lock:
            self.queue.append(job)
        self.ring(b"job")
        return job

    def ring(self, text: bytes) -> None:
        """Ring at the doors of the agents on this host."""
        for path in self.bells.glob("*.sock") if self.bells else ():
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
                bell.sendto(text, str(path))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: AgentService

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, status: int, body: bytes | dict[str, Any] | None = None, **headers: str) -> None:
        data = json.dumps(body).encode() if isinstance(body, dict) else body or b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if status != 204:
            self.wfile.write(data)

    def _error(self, status: int, detail: str) -> None:
        self._answer(status, {"errors": [{"status": str(status), "detail": detail}]})

    def _do(self) -> None:
        service = self.owner
        address = urlsplit(self.path)
        parts = address.path.removeprefix("/api/agent/v1/").split("/")
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        service.requests.append((self.command, address.path))
        names = {parts[-1], f"{parts[-1]} {self.command}"}
        if parts[-1] == "lease" and parts[1] in service.hanging:
            service.released.wait(10)
        if names & service.pages:
            self._answer(200, b"<html>Please log in</html>")
        elif service.away or names & service.unavailable:
            self._error(503, "away")
        elif self.headers.get("Authorization") != f"Bearer {service.token}":
            self._error(401, "no")
        elif names & service.broken:
            self._error(422, "This is not taken.")
        elif once := names & service.broken_once:
            service.broken_once -= once
            self._error(422, "This is not taken.")
        elif parts[0] == "agents":
            self._agents(parts, body)
        else:
            self._jobs(parts, query, body)

    do_GET = do_POST = do_PUT = do_DELETE = _do  # noqa: N815 - the server expects these names

    def _agents(self, parts: list[str], body: bytes) -> None:
        service = self.owner
        if len(parts) == 1:
            if service.refuse_registration:
                self._error(422, "This service speaks protocol 2.")
                return
            identifier = f"agent-{next(service.numbers)}"
            service.agents[identifier] = json.loads(body)
            self._answer(201, {"id": identifier, "heartbeat-seconds": 0.2, "lease-seconds": 60})
        elif parts[1] not in service.agents:
            self._error(404, "unknown agent")
        elif self.command == "DELETE":
            del service.agents[parts[1]]
            self._answer(204)
        elif self.command == "PUT":
            service.agents[parts[1]] |= json.loads(body)
            self._answer(200, {})
        else:
            with service.lock:
                job = service.queue.pop(0) if service.queue else None
            if job is None:
                self._answer(204, Retry_After=service.retry_after)
            else:
                self._answer(200, job.document)

    def _jobs(self, parts: list[str], query: dict[str, str], body: bytes) -> None:
        job = self.owner.jobs.get(parts[1])
        what = "/".join(parts[2:])
        if job is None or query.get("fence") != str(job.document["fence"]):
            self._error(404, "no such job")
            return
        if job.lost and what != "state":
            self._error(409, "The job is lost.")
            return
        with job.changed:
            getattr(self, "_" + what.partition("/")[0].replace("-", "_"))(job, what, query, body)
            job.changed.notify_all()

    def _start(self, job: ServedJob, *_: Any) -> None:
        job.started += 1
        self._answer(200, {"variables": job.variables, "token": job.token, "signal": job.signal})

    def _lease(self, job: ServedJob, *_: Any) -> None:
        job.renewed += 1
        self._answer(200, {"signal": job.signal, "lease-seconds": job.document["lease-seconds"]})

    def _part(self, data: bytes | None) -> None:
        if data is None:
            self._answer(204)
        else:
            self._answer(200, data)

    def _configuration(self, job: ServedJob, *_: Any) -> None:
        self._part(job.configuration)

    def _state(self, job: ServedJob, _: str, query: dict[str, str], body: bytes) -> None:
        if self.command == "GET":
            self._part(job.state)
        else:
            job.states.append((body, query["final"] == "true"))
            self._answer(200, {"kept-as": "errored-state" if job.lost else "state-version"})

    def _artifacts(self, job: ServedJob, what: str, _: dict[str, str], body: bytes) -> None:
        name = what.partition("/")[2]
        if self.command == "GET":
            self._part(job.given.get(name))
        else:
            job.artifacts[name] = body
            self._answer(204)

    def _log(self, job: ServedJob, _: str, query: dict[str, str], body: bytes) -> None:
        offset = int(query["offset"])
        if offset <= len(job.log):
            job.log += body[len(job.log) - offset :]
            job.log_times.append(time.monotonic())
        self._answer(200, {"length": len(job.log)})

    def _policies(self, job: ServedJob, *_: Any) -> None:
        run = {"id": job.document["run"]["id"], "workspace": {"name": "net", "auto_apply": True}}
        self._answer(200, {"sets": job.policy_sets, "run": run})

    def _policy_outcomes(self, job: ServedJob, _: str, __: dict[str, str], body: bytes) -> None:
        job.outcomes = json.loads(body)
        self._answer(200, {})

    def _finish(self, job: ServedJob, _: str, __: dict[str, str], body: bytes) -> None:
        job.result = json.loads(body)
        job.finished.set()
        self._answer(200, {})


def packed(files: dict[str, str | bytes] | None = None, **more: str | bytes) -> bytes:
    """A configuration with these files; those named by a keyword are .tf files."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for name, text in {**(files or {}), **{f"{name}.tf": text for name, text in more.items()}}.items():
            data = text.encode() if isinstance(text, str) else text
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return target.getvalue()
