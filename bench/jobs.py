# ruff: noqa: ANN401 - documents are any JSON
"""Measure what agents and readers of logs cost the service: ``python -m bench.jobs``. No terraform runs here."""

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3
from sqlalchemy import create_engine, insert

from app.authentication.tokens import built_in_pool_token
from app.models import Apply, ConfigurationVersion, Environment, Plan, Project, Run, RunJob, Workspace
from app.models.organizations import Organization
from app.persistence import now
from bench.__main__ import DATABASES
from bench.places import environment, free_port, run_module, service, temporary_folder
from bench.runs import percentile

QUEUED = 10_000
AGENTS = 4
CLAIMS = 50
IDLE = 200
IDLE_SECONDS = 30
POLL_SECONDS = 10
READERS = 20
LOG_MEGABYTES = 20
CHUNK = 65_536
TICKS = os.sysconf("SC_CLK_TCK")


class Agents:
    """Requests with the token of the built-in pool."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.base = f"http://127.0.0.1:{settings['PORT']}"
        secret = (Path(settings["GROUNDPLAN_HOME"]) / "secret.key").read_text().strip()
        self.headers = {"Authorization": f"Bearer {built_in_pool_token(secret)}"}
        self.pool = urllib3.PoolManager(maxsize=64)

    def send(self, method: str, path: str, body: Any = None) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        url = path if path.startswith("http") else f"{self.base}/api/agent/v1{path}"
        answer = self.pool.request(method, url, body=content, headers=self.headers, retries=False)
        if answer.status >= 400:
            message = f"{method} {path}: {answer.status} {answer.data[:300]!r}"
            raise RuntimeError(message)
        is_json = "json" in answer.headers.get("Content-Type", "")
        return json.loads(answer.data) if answer.data and is_json else answer.data

    def register(self, name: str) -> str:
        told = {"protocol": 1, "name": name, "version": "0", "os": "linux", "arch": "amd64", "slots": 1}
        told |= {"single": False, "tools": {"terraform": [], "opentofu": []}, "sandbox": "none"}
        return str(self.send("POST", "/agents", told)["id"])


@contextmanager
def installed(database: str) -> Iterator[tuple[Agents, str, str, int]]:
    """A new service without agents of its own."""
    with temporary_folder() as folder, DATABASES[database](folder) as url:
        settings = environment(folder, url, free_port()) | {"GROUNDPLAN_AGENTS": "0"}
        run_module(settings, "flask", "db", "upgrade")
        first = json.loads(run_module(settings, "flask", "bootstrap", "--json"))
        with service(settings) as pid:
            yield Agents(settings), first["user_token"], url, pid


def queue(url: str, count: int) -> None:
    """Put so many plans of as many workspaces into the queue."""
    engine = create_engine(url)
    with engine.begin() as connection:
        organization = connection.execute(Organization.__table__.select()).one().id
        project = connection.execute(Project.__table__.select()).first()
        assert project is not None
        place = connection.execute(
            Environment.__table__.select().where(Environment.__table__.c.project_id == project.id)
        ).first()
        assert place is not None
        numbers = range(count)
        of = [{"organization_id": organization, "workspace_id": f"ws-{n:016}"} for n in numbers]
        workspace = {"organization_id": organization, "project_id": project.id, "environment_id": place.id}
        rows: list[tuple[Any, list[dict[str, Any]]]] = [
            (Workspace, [{**workspace, "id": f"ws-{n:016}", "name": f"queued-{n}"} for n in numbers]),
            (ConfigurationVersion, [{**of[n], "id": f"cv-{n:016}", "status": "uploaded"} for n in numbers]),
            (
                Run,
                [
                    {
                        **of[n],
                        "id": f"run-{n:016}",
                        "configuration_version_id": f"cv-{n:016}",
                        "number": 1,
                        "status": "plan_queued",
                        "status_timestamps": {},
                        "message": "",
                        "pool": "built-in",
                    }
                    for n in numbers
                ],
            ),
        ]
        for model, prefix in ((Plan, "plan"), (Apply, "apply")):
            phases = [
                {**of[n], "id": f"{prefix}-{n:016}", "run_id": f"run-{n:016}", "status_timestamps": {}} for n in numbers
            ]
            rows.append((model, phases))
        jobs = [
            {
                **of[n],
                "id": f"job-{n:016}",
                "run_id": f"run-{n:016}",
                "phase": "plan",
                "phase_id": f"plan-{n:016}",
                "pool": "built-in",
                "priority": 1,
                "queued_at": now(),
            }
            for n in numbers
        ]
        rows.append((RunJob, jobs))
        for model, values in rows:
            connection.execute(insert(model), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()


def claims(agents: Agents) -> list[float]:
    """Milliseconds of each request for a job, of several agents at once."""
    found: list[float] = []

    def work(name: str) -> None:
        agent = agents.register(name)
        for _ in range(CLAIMS):
            begun = time.perf_counter()
            job = agents.send("POST", f"/agents/{agent}/acquire")
            found.append(1000 * (time.perf_counter() - begun))
            assert job
            time.sleep(0.05)

    threads = [threading.Thread(target=work, args=(f"a{number}",)) for number in range(AGENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def cpu_seconds(pid: int) -> float:
    """What the process and its children have used."""
    family = [pid, *(int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    found = 0.0
    for each in family:
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        found += (int(fields[11]) + int(fields[12])) / TICKS
    return found


def idle(agents: Agents, pid: int) -> float:
    """How much of a core so many agents take that ask and get nothing, as a share."""
    names = [agents.register(f"idle-{number}") for number in range(IDLE)]
    used, begun = cpu_seconds(pid), time.monotonic()
    turns = IDLE_SECONDS * len(names) // POLL_SECONDS
    for turn in range(turns):
        pause = begun + turn * POLL_SECONDS / len(names) - time.monotonic()
        time.sleep(max(0.0, pause))
        agents.send("POST", f"/agents/{names[turn % len(names)]}/acquire")
    return (cpu_seconds(pid) - used) / (time.monotonic() - begun)


def log_reading(agents: Agents, token: str, pid: int) -> float:
    """Milliseconds of the service's CPU for each piece that many readers get of a long log."""
    agent = agents.register("writer")
    job = agents.send("POST", f"/agents/{agent}/acquire")
    path = f"/jobs/{job['id']}"
    agents.send("POST", f"{path}/start?fence={job['fence']}")
    line = b"terraform_data.a: Still creating... [id=0123456789] and more words in every line of it\n"
    piece = (line * (2**20 // len(line) + 1))[: 2**20]
    for number in range(LOG_MEGABYTES):
        agents.send("PUT", f"{path}/log?fence={job['fence']}&offset={number * 2**20}", piece)
    headers = {"Authorization": f"Bearer {token}"}
    answer = agents.pool.request("GET", f"{agents.base}/api/v2/runs/{job['run']['id']}/plan", headers=headers)
    address = json.loads(answer.data)["data"]["attributes"]["log-read-url"]
    count = [0] * READERS

    def read(reader: int) -> None:
        offset = 0
        while offset < LOG_MEGABYTES * 2**20:
            got = agents.pool.request("GET", f"{address}?offset={offset}&limit={CHUNK}").data
            offset += len(got)
            count[reader] += 1

    used = cpu_seconds(pid)
    threads = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 1000 * (cpu_seconds(pid) - used) / sum(count)


def measure(database: str) -> None:
    """Print what this database makes of it."""
    print(f"## {database}", flush=True)
    with installed(database) as (agents, token, url, pid):
        print(f"- {IDLE} idle agents: {100 * idle(agents, pid):.1f} % of a core", flush=True)
        queue(url, QUEUED)
        found = claims(agents)
        print(
            f"- taking a job of {QUEUED:,} that are queued, {AGENTS} agents at once: median "
            f"{percentile(found, 50):.0f} ms, p99 {percentile(found, 99):.0f} ms",
            flush=True,
        )
        print(f"- a piece of a long log: {log_reading(agents, token, pid):.1f} ms of CPU", flush=True)


def main() -> int:
    """Run it as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.jobs", description=__doc__)
    parser.add_argument("databases", nargs="*", choices=list(DATABASES))
    for database in parser.parse_args().databases or ("SQLite", "PostgreSQL"):
        measure(database)
    return 0


if __name__ == "__main__":
    sys.exit(main())
