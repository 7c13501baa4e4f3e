"""What is left of runs when the agent or the service dies in the middle of an apply, and the agent of the service."""

import io
import json
import secrets
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import NewDatabase
from tests.end_to_end.agents import AgentProcess
from tests.end_to_end.service import NO_CERTIFICATES, Service, document, poll_until
from tests.end_to_end.terraform import needs_terraform

pytestmark = needs_terraform

FINAL = ("applied", "planned_and_finished", "errored", "canceled", "discarded")
SLOW = """
resource "terraform_data" "quick" {
  input = "there"
}
resource "terraform_data" "slow" {
  depends_on = [terraform_data.quick]
  provisioner "local-exec" {
    command = "echo wait1ng; sleep %s; echo ag4in"
  }
}
"""
QUICK = 'resource "terraform_data" "quick" {\n  input = "there"\n}\n'


class Runs:
    """A workspace of a service, with its runs by plain requests."""

    def __init__(self, service: Service) -> None:
        self.http = service.client(service.user_token)
        sent = {"name": f"crash-{secrets.token_hex(4)}", "execution-mode": "remote", "auto-apply": True}
        self.workspace = self.send(
            "POST", f"organizations/{service.organization}/workspaces", document("workspaces", sent)
        )["id"]

    def send(self, method: str, path: str, sent: Any = None) -> Any:
        answer = self.http.request(method, path, json=sent)
        assert answer.is_success, answer.text
        return answer.json()["data"]

    def start(self, configuration: str) -> dict[str, Any]:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            member = tarfile.TarInfo("main.tf")
            member.size = len(configuration)
            archive.addfile(member, io.BytesIO(configuration.encode()))
        sent = document("configuration-versions", {"auto-queue-runs": False})
        version = self.send("POST", f"workspaces/{self.workspace}/configuration-versions", sent)
        httpx.put(
            version["attributes"]["upload-url"], content=packed.getvalue(), trust_env=False, verify=NO_CERTIFICATES
        ).raise_for_status()
        of = {
            "workspace": {"data": {"type": "workspaces", "id": self.workspace}},
            "configuration-version": {"data": {"type": "configuration-versions", "id": version["id"]}},
        }
        run = self.send("POST", "runs", document("runs", {"message": "test"}, of))
        assert isinstance(run, dict)
        return run

    def status(self, run: dict[str, Any]) -> str:
        return str(self.send("GET", f"runs/{run['id']}")["attributes"]["status"])

    def wait(self, run: dict[str, Any]) -> str:
        poll_until(lambda: self.status(run) in FINAL, 40, "the end of the run")
        return self.status(run)

    def log(self, run: dict[str, Any]) -> bytes:
        apply = self.send("GET", f"applies/{run['relationships']['apply']['data']['id']}")
        return self.http.get(apply["attributes"]["log-read-url"], params={"limit": 1_000_000}).content

    def resources(self) -> list[str]:
        version = self.send("GET", f"workspaces/{self.workspace}/current-state-version")
        state = json.loads(self.http.get(version["attributes"]["hosted-state-download-url"]).content)
        return [each["name"] for each in state["resources"] if each["instances"]]

    def is_locked(self) -> bool:
        return bool(self.send("GET", f"workspaces/{self.workspace}")["attributes"]["locked"])


@pytest.fixture
def runs(mortal_service: Service) -> Iterator[Runs]:
    made = Runs(mortal_service)
    with closing(made.http):
        yield made


@pytest.fixture
def agent(mortal_service: Service) -> Iterator[AgentProcess]:
    running = AgentProcess(mortal_service).start()
    yield running
    running.close()


@pytest.mark.one_database
def test_an_agent_that_dies_in_an_apply_loses_nothing(runs: Runs, agent: AgentProcess) -> None:
    run = runs.start(SLOW % 60)
    poll_until(lambda: b"local-exec): wait1ng" in runs.log(run), 20, "a resource that is being made")
    agent.kill()
    assert runs.status(run) == "applying"
    agent.start()
    assert runs.wait(run) == "errored"
    assert runs.resources() == ["quick"]
    log = runs.log(run)
    assert log.startswith(b"\x02")
    assert log.endswith(b"What was finished until then is in the state.\n\x03")
    assert not runs.is_locked()
    # What was being made is made by the next run, and nothing twice.
    assert runs.wait(runs.start(QUICK)) == "planned_and_finished"


@pytest.mark.one_database
def test_an_apply_outlives_the_death_of_the_service(mortal_service: Service, runs: Runs, agent: AgentProcess) -> None:
    run = runs.start(SLOW % 2)
    poll_until(lambda: b"local-exec): wait1ng" in runs.log(run), 20, "a resource that is being made")
    mortal_service.kill()
    # Terraform ends while nobody is there.
    poll_until(lambda: b'"serial": 2' in b"".join(states(agent)) or b"ag4in" in b"".join(logs(agent)), 20, "an end")
    mortal_service.start()
    assert runs.wait(run) == "applied"
    assert runs.resources() == ["quick", "slow"]
    log = runs.log(run)
    assert log.index(b"local-exec): wait1ng") < log.index(b"local-exec): ag4in") < log.index(b"2 added")
    assert log.endswith(b"\x03")
    assert not runs.is_locked()


def states(agent: AgentProcess) -> list[bytes]:
    return [path.read_bytes() for path in agent.home.glob("home/agent-*/jobs/*/*/state/*/terraform.tfstate")]


def logs(agent: AgentProcess) -> list[bytes]:
    return [path.read_bytes() for path in agent.home.glob("home/agent-*/jobs/*/log-apply")]


@pytest.fixture
def whole_service(installed: Service, new_database: NewDatabase, tmp_path: Path) -> Iterator[Service]:
    """A service with an agent of its own, as `make serve` starts it."""
    home = Path(tempfile.mkdtemp(prefix="groundplan-agent-"))
    home.chmod(0o711)
    with new_database(installed.database_url) as url:
        running = Service(tmp_path, url, workers=1).install_as(installed)
        running._environment |= {"GROUNDPLAN_AGENTS": "1", "GROUNDPLAN_AGENT_HOME": str(home)}
        running.start()
        yield running
        if running.is_running():
            running.kill()
    shutil.rmtree(home, ignore_errors=True)


@pytest.mark.one_database
def test_a_service_runs_by_itself(whole_service: Service) -> None:
    runs = Runs(whole_service)
    with closing(runs.http):
        assert runs.wait(runs.start(QUICK)) == "applied"
        assert runs.resources() == ["quick"]
    assert whole_service.stop() == 0
    assert "Traceback" not in whole_service.last_log_lines(1000)
