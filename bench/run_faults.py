"""Kill agents and the service by chance under a load of runs; count what was lost: ``python -m bench.run_faults``."""

import argparse
import io
import json
import os
import socketserver
import sys
import tarfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from bench.__main__ import DATABASES
from bench.places import environment, free_port, run_module, temporary_folder
from bench.victims import Victims, new_seed

TOKEN = "the-operator-of-this-bench-chooses-the-token"
MEDIA_TYPE = "application/vnd.api+json"
LEASE, GRACE = 5, 5
RESOURCES = 3
FINAL = frozenset({"applied", "errored", "canceled", "discarded", "planned_and_finished"})
OPERATIONS = "plan_only,plan_and_apply,save_plan,refresh_only,destroy,empty_apply"


@dataclass
class Witness:
    """What terraform says while it works: each provisioner tells its run, its resource and the id of that."""

    told: dict[tuple[str, str], list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    port: int = 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen until the end of the block."""
        told = self.told

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                words = self.rfile.readline().decode().split()
                if len(words) == 4:
                    told[words[1], words[2]].append((words[0], words[3]))

        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
            server.daemon_threads = True
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            yield
            server.shutdown()

    def configuration(self, workspace: str, rounds: int) -> bytes:
        """An archive with a few resources for each round, each after the one before."""
        text, before = "", ""
        for number in range(rounds):
            for at in range(RESOURCES):
                name = f"r{number}_{at}"
                say = f"exec 3<>/dev/tcp/127.0.0.1/{self.port}; echo $TFC_RUN_ID {workspace} {name} ${{self.id}} >&3"
                text += f"""
resource "terraform_data" "{name}" {{
  {before}
  provisioner "local-exec" {{
    interpreter = ["/bin/bash", "-c"]
    command     = "{say}; sleep 0.3"
  }}
}}
"""
                before = f"depends_on = [terraform_data.{name}]"
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            member = tarfile.TarInfo("main.tf")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
        return packed.getvalue()


class Ended(Exception):
    """Nobody answers any more."""


class Caller:
    """A client that asks until the service answers."""

    def __init__(self, port: int) -> None:
        self.ended = threading.Event()
        headers = {"Content-Type": MEDIA_TYPE, "Authorization": f"Bearer {TOKEN}"}
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}/api/v2/", headers=headers, timeout=30, trust_env=False
        )

    def ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        expected: frozenset[int] = frozenset(),
    ) -> Any:  # noqa: ANN401 - documents are any JSON
        """The document of the answer; None for an expected refusal."""
        while not self.ended.is_set():
            try:
                answer = self.http.request(method, path, json=body, follow_redirects=True)
                if answer.status_code in expected:
                    return None
                if answer.status_code < 500:
                    answer.raise_for_status()
                    return answer.json() if answer.content else None
            except httpx.TransportError:
                pass
            time.sleep(0.3)
        raise Ended

    def upload(self, address: str, content: bytes) -> bool:
        """Whether the archive was taken, now or before: the answer to the first attempt may be lost."""
        while not self.ended.is_set():
            try:
                return httpx.put(address, content=content, timeout=30, trust_env=False).status_code < 500
            except httpx.TransportError:
                time.sleep(0.3)
        raise Ended

    def text(self, address: str) -> bytes:
        """What is at a signed address."""
        while not self.ended.is_set():
            try:
                return httpx.get(address, params={"limit": 10**7}, timeout=30, trust_env=False).content
            except httpx.TransportError:
                time.sleep(0.3)
        raise Ended


@dataclass
class Load:
    """The workspaces, and who starts runs in them."""

    caller: Caller
    witness: Witness
    organization: str
    dice: Random
    workspaces: list[str] = field(default_factory=list)
    runs: Counter[str] = field(default_factory=Counter)
    ended: threading.Event = field(default_factory=threading.Event)

    def make(self, count: int) -> None:
        """Make the workspaces."""
        for number in range(count):
            sent = {"name": f"w{number}", "execution-mode": "remote", "auto-apply": True}
            made = self.caller.ask(
                "POST", f"organizations/{self.organization}/workspaces", _document("workspaces", sent)
            )
            self.workspaces.append(made["data"]["id"])

    def work(self, mine: list[str]) -> None:
        """Start runs in these workspaces, one after the other in each, until the end."""
        for number in range(1, 10**6):
            for workspace in mine:
                if self.ended.is_set():
                    return
                self.run(workspace, number)

    def run(self, workspace: str, number: int) -> None:
        """One run, mostly applied; some only plan, and some are canceled."""
        sent = _document("configuration-versions", {"auto-queue-runs": False})
        version = self.caller.ask("POST", f"workspaces/{workspace}/configuration-versions", sent)["data"]
        self.caller.upload(version["attributes"]["upload-url"], self.witness.configuration(workspace, number))
        kind = self.dice.choices(["apply", "plan", "cancel"], [75, 15, 10])[0]
        related = {
            "workspace": {"data": {"type": "workspaces", "id": workspace}},
            "configuration-version": {"data": {"type": "configuration-versions", "id": version["id"]}},
        }
        sent = _document("runs", {"plan-only": kind == "plan"}, related)
        # The upload was given up if the service died in it.
        made = self.caller.ask("POST", "runs", sent, expected=frozenset({422}))
        if made is None:
            return
        self.runs[kind] += 1
        run = made["data"]["id"]
        cancel_at = time.monotonic() + self.dice.uniform(0.2, 3) if kind == "cancel" else None
        while not self.ended.wait(0.5):
            if self.caller.ask("GET", f"runs/{run}")["data"]["attributes"]["status"] in FINAL:
                return
            if cancel_at is not None and time.monotonic() > cancel_at:
                cancel_at = None
                self.caller.ask("POST", f"runs/{run}/actions/cancel", expected=frozenset({409}))


@dataclass
class Count:
    """What is counted at the end. All but the statuses should be empty."""

    statuses: Counter[str] = field(default_factory=Counter)
    not_final: list[str] = field(default_factory=list)
    without_end: list[str] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    finished: int = 0

    def workspace(self, caller: Caller, witness: Witness, workspace: str) -> None:
        """Look through a workspace."""
        path = f"workspaces/{workspace}/runs?filter[operation]={OPERATIONS}&page[size]=100"
        runs = {each["id"]: each["attributes"]["status"] for each in caller.ask("GET", path)["data"]}
        known: set[str] = set()
        for run, status in runs.items():
            self.statuses[status] += 1
            if status not in FINAL:
                self.not_final.append(run)
            self._logs(caller, run)
            known |= self._kept_beside(caller, run, status)
        if caller.ask("GET", f"workspaces/{workspace}")["data"]["attributes"]["locked"]:
            self.locked.append(workspace)
        known |= self._versions(caller, workspace)
        for (where, name), told in witness.told.items():
            if where == workspace:
                self._resource(witness, where, name, told, runs, known)

    def _logs(self, caller: Caller, run: str) -> None:
        for phase in ("plan", "apply"):
            attributes = caller.ask("GET", f"runs/{run}/{phase}")["data"]["attributes"]
            if "started-at" in attributes["status-timestamps"]:
                log = caller.text(attributes["log-read-url"])
                if not log.endswith(b"\x03") or log.count(b"\x03") != 1:
                    self.without_end.append(f"{phase} of {run}")

    @staticmethod
    def _kept_beside(caller: Caller, run: str, status: str) -> set[str]:
        if status not in {"errored", "canceled"}:
            return set()
        apply = caller.ask("GET", f"runs/{run}/apply")["data"]["id"]
        state = caller.ask("GET", f"applies/{apply}/errored-state", expected=frozenset({404}))
        return _ids(state)

    @staticmethod
    def _versions(caller: Caller, workspace: str) -> set[str]:
        names = caller.ask("GET", f"workspaces/{workspace}?include=organization")["data"]
        organization = names["relationships"]["organization"]["data"]["id"]
        where = f"filter[workspace][name]={names['attributes']['name']}&filter[organization][name]={organization}"
        found: set[str] = set()
        page = 1
        while page:
            answer = caller.ask("GET", f"state-versions?{where}&page[size]=100&page[number]={page}")
            for each in answer["data"]:
                found |= _ids(json.loads(caller.text(each["attributes"]["hosted-state-download-url"])))
            page = answer["meta"]["pagination"]["next-page"]
        return found

    def _resource(  # noqa: PLR0913, PLR0917 - a resource and what is known of it
        self,
        witness: Witness,
        workspace: str,
        name: str,
        told: list[tuple[str, str]],
        runs: dict[str, str],
        known: set[str],
    ) -> None:
        counted = Counter(run for run, _ in told)
        self.twice += [f"{name} of {run}" for run, times in counted.items() if times > 1]
        finished = [pair for pair in told if self._is_finished(witness, workspace, name, pair[0], runs)]
        self.finished += len(finished)
        # Once it was there, no other run may make it again.
        if finished and told.index(finished[0]) != len(told) - 1:
            self.twice.append(f"{name} of {workspace}: {told}")
        self.lost += [f"{name} {there} of {run}" for run, there in finished if there not in known]

    @staticmethod
    def _is_finished(witness: Witness, workspace: str, name: str, run: str, runs: dict[str, str]) -> bool:
        """Whether terraform is known to have finished the resource: the run ended well, or the next one was begun."""
        number, at = (int(each) for each in name[1:].split("_"))
        following = f"r{number}_{at + 1}" if at + 1 < RESOURCES else f"r{number + 1}_0"
        return runs.get(run) == "applied" or any(
            each == run for each, _ in witness.told.get((workspace, following), ())
        )


def measure(database: str, options: argparse.Namespace) -> tuple[Count, Load, Victims]:
    """Load one database and hit."""
    dice = Random(options.seed)
    with temporary_folder() as folder, DATABASES[database](folder) as url:
        folder.chmod(0o711)
        settings = environment(folder, url, free_port()) | {
            "GROUNDPLAN_BOOTSTRAP_TOKEN": TOKEN,
            "GROUNDPLAN_LEASE_SECONDS": str(LEASE),
            "GROUNDPLAN_APPLY_GRACE_SECONDS": str(GRACE),
            "GROUNDPLAN_AGENTS": "0",
        }
        run_module(settings | {"GROUNDPLAN_LOG_LEVEL": "warning"}, "flask", "db", "upgrade")
        organization = json.loads(run_module(settings, "flask", "bootstrap", "--json"))["organization"]
        victims = Victims(folder, settings, options.agents, dice)
        caller, witness = Caller(int(settings["PORT"])), Witness()
        load = Load(caller, witness, organization, Random(options.seed + 1))
        with witness.listening(), ThreadPoolExecutor(options.clients) as pool:
            try:
                victims.look()
                load.make(options.workspaces)
                work = [
                    pool.submit(load.work, load.workspaces[number :: options.clients])
                    for number in range(options.clients)
                ]
                _hit(victims, options)
                victims.heal()
                load.ended.set()
                for each in work:
                    while not each.done():
                        victims.look()
                        time.sleep(0.1)
                    each.result(0)
                _wait_for_ends(caller, load, victims)
                count = Count()
                for workspace in load.workspaces:
                    count.workspace(caller, witness, workspace)
            finally:
                load.ended.set()
                caller.ended.set()
                victims.end()
                if options.keep:
                    os.system(f"cp -r {folder}/*.log {options.keep}")
        return count, load, victims


def _hit(victims: Victims, options: argparse.Namespace) -> None:
    ends = time.monotonic() + options.seconds
    due = time.monotonic() + 3
    while victims.hits.total() < options.hits and time.monotonic() < ends:
        victims.look()
        if time.monotonic() > due and victims.hit():
            due = time.monotonic() + victims.dice.uniform(0.3, 2 * options.seconds / options.hits - 0.3)
        time.sleep(0.05)


def _wait_for_ends(caller: Caller, load: Load, victims: Victims) -> None:
    ends = time.monotonic() + 120
    statuses = "pending,plan_queued,planning,planned,confirmed,apply_queued,applying"
    for workspace in load.workspaces:
        path = f"workspaces/{workspace}/runs?filter[operation]={OPERATIONS}&filter[status]={statuses}"
        while time.monotonic() < ends and caller.ask("GET", path)["data"]:
            victims.look()
            time.sleep(0.2)
    # States that come late release locks.
    time.sleep(2)


def _document(kind: str, attributes: dict[str, Any], related: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"data": {"type": kind, "attributes": attributes, "relationships": related or {}}}


def _ids(state: dict[str, Any] | None) -> set[str]:
    if not state:
        return set()
    return {instance["attributes"]["id"] for each in state["resources"] for instance in each["instances"]}


def main() -> int:
    """Run it as the command line says; the exit status is 1 if anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m bench.run_faults", description=__doc__)
    parser.add_argument("databases", nargs="*", default=list(DATABASES)[:2], help=f"any of {', '.join(DATABASES)}")
    parser.add_argument("--hits", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=270, help="how long at most")
    parser.add_argument("--workspaces", type=int, default=50)
    parser.add_argument("--agents", type=int, default=4)
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--seed", type=int, default=new_seed())
    parser.add_argument("--keep", metavar="FOLDER", help="where the logs are copied to")
    options = parser.parse_args()
    is_clean = True
    for database in options.databases:
        begun = time.monotonic()
        count, load, victims = measure(database, options)
        print(f"{database}, seed {options.seed}, {time.monotonic() - begun:.0f} s")
        print(f"  hits: {dict(victims.hits)}; runs: {dict(load.runs)}; ended as {dict(count.statuses)}")
        print(f"  resources finished by terraform: {count.finished}")
        for name in ("twice", "lost", "not_final", "locked", "without_end"):
            found = getattr(count, name)
            is_clean = is_clean and not found
            print(f"  {name}: {len(found)}", *found[:10], sep="\n    ")
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
