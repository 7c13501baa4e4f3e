"""Agents and services that are killed, stopped or away in each phase of a run: nothing is lost, and nothing hangs."""

import os
import secrets
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import NewDatabase
from tests.end_to_end.agents import AgentProcess, processes_below, wait_for_the_end_of
from tests.end_to_end.gates import Gates
from tests.end_to_end.proxy import Proxy
from tests.end_to_end.service import NO_CERTIFICATES, Service, document, poll_until
from tests.support.configurations import archive

pytestmark = [pytest.mark.needs("terraform"), pytest.mark.needs("bash")]

LEASE, GRACE = 2, 1
TIMES = {"GROUNDPLAN_LEASE_SECONDS": str(LEASE), "GROUNDPLAN_APPLY_GRACE_SECONDS": str(GRACE)}
# How often the service looks for silent agents, and what a busy machine takes.
LATE = 6
FINAL = ("applied", "errored", "canceled", "discarded", "planned_and_finished")
RESOURCES = ("a", "b", "c")


@pytest.fixture(scope="module")
def brief_service(
    installed: Service, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service that waits for nobody for long; the tests kill it and start it again."""
    with new_database(installed.database_url) as url:
        running = Service(tmp_path_factory.mktemp("brief"), url, settings=TIMES).install_as(installed).start()
        yield running
        assert running.stop() == 0, running.last_log_lines()


class Scene:
    """A workspace with a configuration whose resources pass gates, and an agent that reaches the service by a proxy."""

    def __init__(self, service: Service, name: str) -> None:
        self.service = service
        self.http = service.client(service.user_token)
        self.gates = Gates()
        self.proxy = Proxy(service.url)
        self.agent = AgentProcess(service, url=self.proxy.url)
        self.runs: list[str] = []
        sent = {"name": name, "execution-mode": "remote", "auto-apply": True}
        self.workspace = self.send(
            "POST", f"organizations/{service.organization}/workspaces", document("workspaces", sent)
        )["data"]["id"]

    def upload(self, *, has_slow_plan: bool = False) -> None:
        """Upload the configuration."""
        sent = document("configuration-versions", {"auto-queue-runs": False})
        created = self.send("POST", f"workspaces/{self.workspace}/configuration-versions", sent)["data"]
        text = self.gates.configuration(*RESOURCES, has_slow_plan=has_slow_plan)
        packed = archive({"main.tf": text.encode()})
        httpx.put(
            created["attributes"]["upload-url"], content=packed, trust_env=False, verify=NO_CERTIFICATES
        ).raise_for_status()

    def send(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def begin(self, *, closed: str = "", has_slow_plan: bool = False) -> str:
        """Start a run that is applied by itself; whoever comes to the closed gate waits."""
        if not self.runs:
            self.upload(has_slow_plan=has_slow_plan)
        if closed:
            self.gates.close(closed)
        of = {"workspace": {"data": {"type": "workspaces", "id": self.workspace}}}
        self.runs.append(self.send("POST", "runs", document("runs", {}, of))["data"]["id"])
        return self.runs[-1]

    def status(self, run_id: str) -> str:
        return str(self.send("GET", f"runs/{run_id}")["data"]["attributes"]["status"])

    def wait_for(self, run_id: str, status: str, seconds: float = 30) -> None:
        poll_until(lambda: self.status(run_id) == status, seconds, f"{status} of {run_id}")

    def wait_for_end(self, run_id: str, expected: str, *, within: float = 30) -> None:
        """Wait for the final status: it must be the expected one, and what begun must have its end in the log."""
        poll_until(lambda: self.status(run_id) in FINAL, within, f"an end of {run_id}")
        assert self.status(run_id) == expected
        for phase in ("plan", "apply"):
            attributes = self.send("GET", f"runs/{run_id}/{phase}")["data"]["attributes"]
            if "started-at" in attributes["status-timestamps"]:
                assert self.log(run_id, phase).endswith("\x03"), phase

    def log(self, run_id: str, phase: str) -> str:
        attributes = self.send("GET", f"runs/{run_id}/{phase}")["data"]["attributes"]
        return httpx.get(
            attributes["log-read-url"], params={"limit": 10**6}, trust_env=False, verify=NO_CERTIFICATES
        ).text

    def events(self, run_id: str) -> str:
        """What the events of the run say."""
        found = self.send("GET", f"runs/{run_id}/run-events")["data"]
        return "; ".join(str(each["attributes"]["description"]) for each in found)

    def lock(self) -> str | None:
        """Why the workspace is locked; empty without a reason, None if it is unlocked."""
        attributes = self.send("GET", f"workspaces/{self.workspace}")["data"]["attributes"]
        return attributes["locked-reason"] or "" if attributes["locked"] else None

    def resources(self) -> list[str]:
        """The names of the resources in the current state."""
        answer = self.http.get(f"workspaces/{self.workspace}/current-state-version")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return []
        state = self.http.get(answer.json()["data"]["attributes"]["hosted-state-download-url"], follow_redirects=True)
        # What has begun and not ended is no resource yet.
        return sorted(each["name"] for each in state.json()["resources"] if each["mode"] == "managed")

    def finish(self, **times: int) -> None:
        """The next run does what is left, and nothing twice but what was interrupted."""
        self.gates.open()
        self.wait_for_end(
            self.begin(), "applied" if set(self.resources()) != set(RESOURCES) else "planned_and_finished"
        )
        assert self.resources() == list(RESOURCES)
        assert {name: self.gates.passed[name] for name in RESOURCES} == {**dict.fromkeys(RESOURCES, 1), **times}
        assert self.lock() is None

    def close(self) -> None:
        self.gates.stop()
        self.agent.close()
        self.proxy.close()
        self.http.close()


@pytest.fixture
def scene(brief_service: Service, request: pytest.FixtureRequest) -> Iterator[Scene]:
    """A workspace of the test's own with a running agent."""
    made = Scene(brief_service, f"{request.node.originalname}-{secrets.token_hex(4)}")
    made.agent.start()
    yield made
    made.close()


@pytest.fixture
def embedded(installed: Service, new_database: NewDatabase, tmp_path: Path) -> Iterator[Scene]:
    """A workspace of a service with an agent of its own, as operators have it by default."""
    with tempfile.TemporaryDirectory(prefix="groundplan-agent-") as home, new_database(installed.database_url) as url:
        # The user of the sandbox must be able to enter it.
        Path(home).chmod(0o711)
        settings = {**TIMES, "GROUNDPLAN_AGENTS": "1", "GROUNDPLAN_AGENT_HOME": home}
        running = Service(tmp_path, url, settings=settings, workers=1).install_as(installed).start()
        scene = Scene(running, "embedded")
        try:
            yield scene
            agents = running.agents()
            assert running.stop() == 0
            assert agents != []
            poll_until(lambda: not any(Path(f"/proc/{each}/cwd").exists() for each in agents), LATE, "no agent")
        finally:
            scene.close()
            if running.is_running():
                running.kill()


@pytest.mark.one_database
@pytest.mark.parametrize("phase", ["plan", "apply"])
def test_an_agent_is_killed_before_it_starts_the_job(scene: Scene, phase: str) -> None:
    if phase == "apply":
        stop = scene.proxy.stop("POST", "/finish", is_answered=True)
        run = scene.begin()
        stop.wait()
        before_start = scene.proxy.stop("POST", "/start")
        stop.released.set()
    else:
        before_start = scene.proxy.stop("POST", "/start")
        run = scene.begin()
    before_start.wait()
    scene.agent.kill()
    before_start.released.set()
    scene.agent.start()
    scene.wait_for_end(run, "applied")
    scene.finish()


def test_an_agent_is_killed_while_it_plans(scene: Scene) -> None:
    run = scene.begin(closed="plan", has_slow_plan=True)
    scene.gates.wait_for("plan")
    scene.agent.kill()
    scene.gates.open()
    scene.agent.start()
    scene.wait_for_end(run, "applied")
    assert scene.log(run, "plan").count("\x03") == 1
    scene.finish()


@pytest.mark.one_database
def test_a_plan_that_kills_its_agents_is_given_up(scene: Scene) -> None:
    run = scene.begin(closed="plan", has_slow_plan=True)
    for attempt in (1, 2):
        scene.gates.wait_for("plan", attempt)
        scene.agent.kill()
        scene.agent.start()
    scene.wait_for_end(run, "errored", within=LEASE + LATE)
    assert scene.lock() is None
    scene.finish()


def test_an_agent_is_killed_while_it_applies_and_starts_again(scene: Scene) -> None:
    run = scene.begin(closed="b")
    scene.gates.wait_for("b")
    scene.agent.kill()
    scene.agent.start()
    # It hands over the state at once, so nobody waits for the lease.
    scene.wait_for_end(run, "errored", within=LATE)
    assert "The agent was stopped while Terraform was applying" in scene.events(run)
    assert scene.resources() == ["a"]
    assert scene.lock() is None
    scene.finish(b=2)


@pytest.mark.one_database
def test_an_agent_is_killed_while_it_applies_and_comes_late(scene: Scene) -> None:
    run = scene.begin(closed="b")
    scene.gates.wait_for("b")
    scene.agent.kill()
    scene.wait_for_end(run, "errored", within=LEASE + GRACE + LATE)
    reason = scene.lock()
    assert reason is not None
    assert "may be incomplete" in reason
    assert scene.resources() == []
    waiting = scene.begin()
    assert scene.status(waiting) == "pending"
    scene.gates.open()
    scene.agent.start()
    scene.wait_for_end(waiting, "applied")
    assert scene.gates.passed["a"] == 1
    scene.finish(b=2)


@pytest.mark.one_database
def test_an_agent_is_killed_before_the_first_resource_and_comes_late(scene: Scene) -> None:
    run = scene.begin(closed="a")
    scene.gates.wait_for("a")
    scene.agent.kill()
    scene.wait_for_end(run, "errored", within=LEASE + GRACE + LATE)
    assert scene.lock() is not None
    # There is no state to hand over, and the workspace is not locked for that.
    scene.agent.start()
    poll_until(lambda: scene.lock() is None, LATE, "an unlocked workspace")
    scene.finish(a=2)


@pytest.mark.one_database
def test_an_agent_is_lost_for_good_while_it_applies(scene: Scene) -> None:
    run = scene.begin(closed="b")
    scene.gates.wait_for("b")
    scene.agent.kill()
    scene.wait_for_end(run, "errored", within=LEASE + GRACE + LATE)
    waiting = scene.begin()
    scene.send("POST", f"workspaces/{scene.workspace}/actions/force-unlock")
    scene.gates.open()
    # The state is only on the disk of the first agent: the second one knows nothing of it.
    other = AgentProcess(scene.service).start()
    try:
        scene.wait_for_end(waiting, "applied")
        # When the first comes back, its state does not fit any more, and is kept.
        scene.agent.start()
        apply = scene.send("GET", f"runs/{run}/apply")["data"]["id"]
        poll_until(lambda: scene.http.get(f"applies/{apply}/errored-state").is_redirect, LATE, "a state of the run")
        assert scene.resources() == list(RESOURCES)
    finally:
        other.close()


@pytest.mark.one_database
@pytest.mark.parametrize("is_answered", [False, True])
@pytest.mark.parametrize("request_", ["PUT /state", "POST /finish"])
def test_an_agent_is_killed_after_terraform_has_ended(scene: Scene, request_: str, is_answered: bool) -> None:  # noqa: FBT001
    run = scene.begin(closed="c")
    scene.gates.wait_for("c")
    method, _, ending = request_.partition(" ")
    stop = scene.proxy.stop(method, ending, is_answered=is_answered)
    scene.gates.open()
    stop.wait()
    scene.agent.kill()
    stop.released.set()
    scene.agent.start()
    # Before the state is there, the agent has not noted how terraform ended.
    scene.wait_for_end(run, "errored" if ending == "/state" else "applied", within=LATE)
    assert scene.resources() == list(RESOURCES)
    scene.finish()


@pytest.mark.one_database
def test_the_service_is_killed_while_an_agent_plans(scene: Scene) -> None:
    run = scene.begin(closed="plan", has_slow_plan=True)
    scene.gates.wait_for("plan")
    scene.service.kill()
    scene.gates.open()
    scene.service.start()
    scene.wait_for_end(run, "applied")
    scene.finish()


def test_the_service_is_away_for_long_while_an_agent_applies(scene: Scene) -> None:
    run = scene.begin(closed="b")
    scene.gates.wait_for("b")
    scene.service.kill()
    time.sleep(LEASE + GRACE + 0.5)
    scene.gates.open()
    scene.gates.wait_for("c")
    scene.service.start()
    # Nobody could renew a lease meanwhile, so the run is not given up.
    scene.wait_for_end(run, "applied")
    log = scene.log(run, "apply")
    assert log.index("passed a") < log.index("passed b") < log.index("passed c") < log.index("Apply complete!")
    scene.finish()


@pytest.mark.one_database
def test_an_agent_sleeps_for_long_while_terraform_applies(scene: Scene) -> None:
    run = scene.begin(closed="b")
    scene.gates.wait_for("b")
    scene.agent.send(signal.SIGSTOP)
    scene.wait_for_end(run, "errored", within=LEASE + GRACE + LATE)
    assert scene.lock() is not None
    waiting = scene.begin()
    scene.gates.open()
    scene.gates.wait_for("c")
    assert scene.status(waiting) == "pending"
    scene.agent.send(signal.SIGCONT)
    scene.wait_for_end(waiting, "planned_and_finished")
    assert scene.status(run) == "errored"
    scene.finish()


@pytest.mark.one_database
def test_an_agent_is_asked_to_end_while_it_applies(scene: Scene) -> None:
    run = scene.begin(closed="b")
    scene.gates.wait_for("b")
    scene.agent.send(signal.SIGTERM)
    time.sleep(LEASE)
    assert scene.status(run) == "applying"
    scene.gates.open()
    scene.wait_for_end(run, "applied")
    assert scene.agent.process is not None
    assert scene.agent.process.wait(10) == 0
    scene.agent.start()
    scene.finish()


@pytest.mark.one_database
@pytest.mark.parametrize("is_agent_killed", [False, True])
def test_a_service_with_its_own_agent_is_killed(embedded: Scene, is_agent_killed: bool) -> None:  # noqa: FBT001
    run = embedded.begin(closed="b")
    embedded.gates.wait_for("b")
    agents = embedded.service.agents()
    embedded.service.kill()
    if is_agent_killed:
        below = [each for agent in agents for each in processes_below(agent)]
        for agent in agents:
            os.kill(agent, signal.SIGKILL)
        wait_for_the_end_of([*agents, *below])
    embedded.gates.open()
    embedded.service.start()
    # An agent whose service is gone finishes its apply; what a killed one left is handed in by the next.
    embedded.wait_for_end(run, "errored" if is_agent_killed else "applied")
    embedded.finish(**({"b": 2} if is_agent_killed else {}))
