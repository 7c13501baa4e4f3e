# ruff: noqa: ANN401 - documents are any JSON
"""Measure runs on both databases, with the agents that the service starts: ``python -m bench.runs``.

It needs terraform on the PATH, and nothing else: the configurations use its built-in provider.
"""

import argparse
import io
import json
import os
import re
import statistics
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3

from bench.__main__ import DATABASES
from bench.places import environment, free_port, run_module, service, temporary_folder

ONE = 'resource "terraform_data" "a" {\n  input = timestamp()\n}\n'
PRINTED = re.compile(rb"[0-9]{10}[.][0-9]{9}")
FINAL = {"applied", "errored", "planned_and_finished", "discarded", "canceled"}
MEDIA_TYPE = "application/vnd.api+json"


class Client:
    """Requests with the administrator's token."""

    def __init__(self, settings: Mapping[str, str], token: str, organization: str) -> None:
        self.base = f"http://127.0.0.1:{settings['PORT']}"
        self.organization = organization
        self.token = token
        self.pool = urllib3.PoolManager(maxsize=64)

    def send(self, method: str, path: str, document: Any = None, body: bytes | None = None) -> Any:
        url = path if path.startswith("http") else f"{self.base}/api/v2{path}"
        headers = {"Content-Type": MEDIA_TYPE if body is None else "application/octet-stream"}
        if body is None:
            headers["Authorization"] = f"Bearer {self.token}"
        content = body if document is None else json.dumps(document).encode()
        answer = self.pool.request(method, url, body=content, headers=headers, retries=False)
        if answer.status >= 400:
            message = f"{method} {path}: {answer.status} {answer.data[:500]!r}"
            raise RuntimeError(message)
        return (
            json.loads(answer.data)
            if answer.data and b"json" in answer.headers["Content-Type"].encode()
            else answer.data
        )

    def workspace(self, name: str, configuration: str) -> str:
        """A workspace with an uploaded configuration; its id."""
        attributes = {
            "name": name,
            "execution-mode": "remote",
            "auto-apply": True,
            "structured-run-output-enabled": False,
        }
        document = {"data": {"type": "workspaces", "attributes": attributes}}
        identifier: str = self.send("POST", f"/organizations/{self.organization}/workspaces", document)["data"]["id"]
        document = {"data": {"type": "configuration-versions", "attributes": {"auto-queue-runs": False}}}
        version = self.send("POST", f"/workspaces/{identifier}/configuration-versions", document)["data"]
        self.send("PUT", version["attributes"]["upload-url"], body=archive(configuration))
        return identifier

    def run(self, workspace: str, **attributes: Any) -> Any:
        of = {"workspace": {"data": {"type": "workspaces", "id": workspace}}}
        return self.send("POST", "/runs", {"data": {"type": "runs", "attributes": attributes, "relationships": of}})[
            "data"
        ]

    def wait(self, run_id: str, seconds: float = 120, pause: float = 0.005) -> Any:
        """The attributes of the run when it is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            shown = self.send("GET", f"/runs/{run_id}")["data"]["attributes"]
            if shown["status"] in FINAL:
                return shown
            time.sleep(pause)
        message = f"{run_id} did not end"
        raise RuntimeError(message)


def archive(configuration: str) -> bytes:
    """A compressed tar archive with one file."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        info = tarfile.TarInfo("main.tf")
        info.size = len(configuration.encode())
        tar.addfile(info, io.BytesIO(configuration.encode()))
    return written.getvalue()


@contextmanager
def installed(database: str, **more: str) -> Iterator[tuple[Client, dict[str, str]]]:
    """A new service with its agents."""
    with temporary_folder() as folder, DATABASES[database](folder) as url:
        folder.chmod(0o711)
        settings = environment(folder, url, free_port()) | more
        run_module(settings, "flask", "db", "upgrade")
        first = json.loads(run_module(settings, "flask", "bootstrap", "--json"))
        with service(settings):
            client = Client(settings, first["user_token"], first["organization"])
            workspace = client.workspace("warm", ONE)
            client.wait(client.run(workspace)["id"])
            yield client, settings


def latencies(client: Client, count: int) -> dict[str, list[float]]:
    """In milliseconds, one run at a time: until it plans, until its log has a byte, until it is applied."""
    found: dict[str, list[float]] = {"planning": [], "first byte": [], "applied": []}
    workspace = client.workspace("one", ONE)
    for _ in range(count):
        begun = time.perf_counter()
        run = client.run(workspace)
        answered = time.perf_counter()
        plan = client.send("GET", f"/runs/{run['id']}/plan")["data"]["attributes"]
        while not client.send("GET", f"{plan['log-read-url']}?offset=0&limit=1", body=b""):
            time.sleep(0.001)
        found["first byte"].append(1000 * (time.perf_counter() - answered))
        client.wait(run["id"])
        found["applied"].append(1000 * (time.perf_counter() - begun))
    for _ in range(count):
        run = client.run(workspace)
        answered = time.perf_counter()
        while client.send("GET", f"/runs/{run['id']}")["data"]["attributes"]["status"] in {"pending", "plan_queued"}:
            time.sleep(0.001)
        found["planning"].append(1000 * (time.perf_counter() - answered))
        client.wait(run["id"])
    return found


def log_line(client: Client, count: int) -> list[float]:
    """Milliseconds from the moment that a provisioner prints the time until a reader has the line."""
    lines = " && ".join(["date +%s.%N && sleep 0.2"] * count)
    configuration = (
        f'resource "terraform_data" "a" {{\n  provisioner "local-exec" {{\n    command = "{lines}"\n  }}\n}}\n'
    )
    workspace = client.workspace("lines", configuration)
    run = client.run(workspace)
    url = client.send("GET", f"/runs/{run['id']}/apply")["data"]["attributes"]["log-read-url"]
    found, offset, rest = [], 0, b""
    while b"\x03" not in rest:
        piece = client.send("GET", f"{url}?offset={offset}", body=b"")
        arrived = time.time()
        offset += len(piece)
        rest += piece
        *whole, rest = rest.split(b"\n")
        printed = filter(None, map(PRINTED.search, whole))
        found += [1000 * (arrived - float(each[0])) for each in printed]
        time.sleep(0.001)
    return found


def at_once(client: Client, name: str, workspaces: int, resources: int) -> float:
    """Seconds until all workspaces are planned and applied, with so many resources each."""
    configuration = f'resource "terraform_data" "a" {{\n  count = {resources}\n}}\n'
    ready = [client.workspace(f"{name}-{number}", configuration) for number in range(workspaces)]
    begun = time.perf_counter()
    with ThreadPoolExecutor(8) as threads:
        runs = list(threads.map(client.run, ready))
    ended = [client.wait(run["id"], 600, 0.05) for run in runs]
    seconds = time.perf_counter() - begun
    failed = [each["status"] for each in ended if each["status"] != "applied"]
    if failed:
        message = f"{failed}"
        raise RuntimeError(message)
    return seconds


def cli(client: Client, folder: Path, count: int) -> dict[str, list[float]]:
    """Seconds that the real terraform takes for a plan, and for an apply of one resource."""
    api = f"{client.base}/api/v2/"
    (folder / "cli.tfrc").write_text(
        f'host "groundplan.bench" {{\n  services = {{ "tfe.v2" = "{api}", "tfe.v2.1" = "{api}" }}\n}}\n'
        f'credentials "groundplan.bench" {{\n  token = "{client.token}"\n}}\n'
    )
    client.workspace("cli", ONE)
    (folder / "main.tf").write_text(
        f'terraform {{\n  cloud {{\n    hostname = "groundplan.bench"\n    organization = "{client.organization}"\n'
        f'    workspaces {{\n      name = "cli"\n    }}\n  }}\n}}\n{ONE}'
    )
    settings = {**os.environ, "TF_CLI_CONFIG_FILE": str(folder / "cli.tfrc"), "CHECKPOINT_DISABLE": "1"}

    def terraform(*arguments: str) -> float:
        begun = time.perf_counter()
        subprocess.run(
            ["terraform", *arguments], cwd=folder, env=settings, check=True, stdout=subprocess.PIPE, text=True
        )
        return time.perf_counter() - begun

    terraform("init")
    return {
        "plan": [terraform("plan") for _ in range(count)],
        "apply -auto-approve": [terraform("apply", "-auto-approve") for _ in range(count)],
    }


def beside_logs(client: Client, runs: int) -> tuple[float, float]:
    """The 99th percentile in milliseconds of changing a project, in quiet, and while so many runs stream logs."""
    project = client.send(
        "POST",
        f"/organizations/{client.organization}/projects",
        {"data": {"type": "projects", "attributes": {"name": "patched"}}},
    )["data"]["id"]

    def patches(seconds: float) -> float:
        found, deadline, number = [], time.monotonic() + seconds, 0
        while time.monotonic() < deadline:
            number += 1
            document = {"data": {"type": "projects", "attributes": {"description": f"Number {number}"}}}
            begun = time.perf_counter()
            client.send("PATCH", f"/projects/{project}", document)
            found.append(1000 * (time.perf_counter() - begun))
            time.sleep(0.01)
        return percentile(found, 99)

    quiet = patches(5)
    command = "for i in $(seq 100); do echo line $i; sleep 0.1; done"
    configuration = (
        f'resource "terraform_data" "a" {{\n  provisioner "local-exec" {{\n    command = "{command}"\n  }}\n}}\n'
    )
    ready = [client.workspace(f"streams-{number}", configuration) for number in range(runs)]
    started = [client.run(each)["id"] for each in ready]
    time.sleep(4)
    loud = patches(5)
    for run_id in started:
        client.wait(run_id, 120, 0.2)
    return quiet, loud


def percentile(values: list[float], percent: int) -> float:
    """The nearest value."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def shown(values: list[float], unit: str) -> str:
    """The median, and the 99th percentile."""
    digits = 2 if unit == "s" else 0
    return f"{statistics.median(values):.{digits}f} {unit}, p99 {percentile(values, 99):.{digits}f} {unit}"


def measure(database: str, options: argparse.Namespace) -> None:
    """Print what this database makes of it."""
    print(f"## {database}", flush=True)
    with installed(database) as (client, settings):
        for name, values in latencies(client, options.count).items():
            print(f"- {name}: {shown(values, 'ms')}", flush=True)
        print(f"- a printed line until it is readable: {shown(log_line(client, 20), 'ms')}", flush=True)
        folder = Path(settings["GROUNDPLAN_HOME"]).parent / "cli"
        folder.mkdir()
        for name, values in cli(client, folder, 5).items():
            print(f"- terraform {name}: {shown(values, 's')}", flush=True)
        print(f"- 20 workspaces with 20 resources each, at once: {at_once(client, 'many', 20, 20):.1f} s", flush=True)
    with installed(database, GROUNDPLAN_AGENTS="4", GROUNDPLAN_AGENT_SLOTS="3") as (client, _):
        quiet, loud = beside_logs(client, 10)
        print(f"- PATCH of a project, p99: {quiet:.0f} ms, beside 10 runs that log {loud:.0f} ms", flush=True)
    with installed(database, GROUNDPLAN_AGENTS="4", GROUNDPLAN_AGENT_SLOTS="1") as (client, _):
        print(f"- 100 runs of 100 workspaces, 4 agents: {at_once(client, 'hundred', 100, 1):.1f} s", flush=True)


def main() -> int:
    """Run it as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.runs", description=__doc__)
    parser.add_argument("databases", nargs="*", choices=list(DATABASES))
    parser.add_argument("--count", type=int, default=30, help="how many runs for each latency")
    options = parser.parse_args()
    for database in options.databases or ("SQLite", "PostgreSQL"):
        measure(database, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
