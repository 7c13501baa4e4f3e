"""An agent that is killed, and the next one on the same disk."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.agent_service import AgentService, ServedJob, packed
from tests.support.running_agent import Start

Launch = Callable[..., "subprocess.Popen[bytes]"]
SLOW = """
resource "terraform_data" "quick" {
  input = "there"
}
resource "terraform_data" "slow" {
  depends_on = [terraform_data.quick]
  provisioner "local-exec" {
    command = "echo waiting; sleep 60.%s"
  }
}
"""


@pytest.fixture
def launch(service: AgentService, home: Path) -> Iterator[Launch]:
    """Start the command itself."""
    started: list[subprocess.Popen[bytes]] = []

    def launch(*arguments: str, **environment: str) -> "subprocess.Popen[bytes]":
        own = {
            "PATH": os.environ["PATH"],
            "GROUNDPLAN_URL": service.url,
            "GROUNDPLAN_AGENT_TOKEN": "pool-token",
            "GROUNDPLAN_AGENT_HOME": str(home),
            **environment,
        }
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "app.agent.main", *arguments], env=own, stderr=subprocess.PIPE
        )
        started.append(process)
        return process

    yield launch
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=20)


def begin_apply(service: AgentService, mark: str) -> ServedJob:
    service.retry_after = "0"
    planned = service.add("plan")
    planned.configuration = packed(main=SLOW % mark)
    assert service.run(planned)["outcome"] == "ok", planned.text
    job = service.offer(service.add_apply(planned))
    job.wait_for_log("0mwaiting")
    return job


@pytest.mark.needs("terraform")
def test_a_killed_agent_loses_no_resource(service: AgentService, launch: Launch, start: Start) -> None:
    agent = launch()
    job = begin_apply(service, "21")
    agent.send_signal(signal.SIGKILL)
    agent.wait()
    due = time.monotonic() + 5
    while (
        "sleep 60.21" in subprocess.run(["/bin/ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    ):
        assert time.monotonic() < due
    start()
    assert job.finished.wait(10)
    assert job.result is not None
    assert job.result["outcome"] == "failed"
    assert "stopped while Terraform was applying" in job.result["error"]
    [(state, final)] = job.states
    assert final
    assert [each["name"] for each in json.loads(state)["resources"] if each["instances"]] == ["quick"]
    assert job.text.count("quick: Creating...") == 1
    assert job.text.endswith(f"\nError: {job.result['error']}\n")
    assert job.started == 1


def test_without_a_sandbox_the_apply_of_a_killed_agent_ends_first(
    service: AgentService, launch: Launch, start: Start, pretend: Callable[[str], Path]
) -> None:
    state = '"$HOME/../state/$TF_WORKSPACE/terraform.tfstate"'
    script = f'test "$1" = plan && exit 0; echo begun; sleep 1; echo {{}} > {state}'
    tools = pretend(script)
    service.retry_after = "0"
    agent = launch(GROUNDPLAN_SANDBOX="none", GROUNDPLAN_TOOLS=str(tools))
    planned = service.add("plan", version="9.9.9")
    assert service.run(planned)["outcome"] == "ok"
    job = service.offer(service.add_apply(planned))
    job.wait_for_log("begun")
    agent.send_signal(signal.SIGKILL)
    agent.wait()
    start(sandbox="none")
    assert job.states == [(b"{}\n", True)]
    assert job.finished.wait(10)


@pytest.mark.needs("terraform")
def test_what_is_left_goes_to_its_own_service_alone(
    service: AgentService, launch: Launch, start: Start, home: Path
) -> None:
    agent = launch()
    job = begin_apply(service, "22")
    agent.send_signal(signal.SIGKILL)
    agent.wait()
    [notes] = home.glob("agent-0/jobs/*/job.json")
    notes.write_text(notes.read_text().replace(service.url, "http://elsewhere.example"))
    start()
    time.sleep(0.2)
    assert job.states == []
    assert notes.exists()


@pytest.mark.needs("terraform")
def test_what_another_agent_left_is_finished(service: AgentService, launch: Launch, home: Path) -> None:
    agent = launch()
    job = begin_apply(service, "23")
    agent.send_signal(signal.SIGKILL)
    agent.wait()
    (home / "agent-0").rename(home / "agent-7")
    launch()
    assert job.finished.wait(10)
    assert len(job.states) == 1


@pytest.mark.needs("terraform")
def test_what_is_left_waits_for_a_token_that_is_taken(service: AgentService, launch: Launch, home: Path) -> None:
    agent = launch()
    job = begin_apply(service, "24")
    agent.send_signal(signal.SIGKILL)
    agent.wait()
    service.token = "another-token"
    assert launch().wait(10) == 1
    assert list(home.glob("agent-0/jobs/*/job.json"))
    launch(GROUNDPLAN_AGENT_TOKEN="another-token")
    assert job.finished.wait(10)
    assert (len(job.states), (job.result or {})["state-missing"]) == (1, False)


def test_a_lost_apply_says_that_all_is_handed_over(service: AgentService, start: Start, home: Path) -> None:
    # The agent was killed before terraform made anything, and the service has given up the run.
    job = service.add("apply")
    job.lost = True
    root = home / "agent-0" / "jobs" / job.document["id"]
    (root / "work").mkdir(parents=True)
    (root / "log-apply").write_text("late")
    notes = {
        "id": job.document["id"],
        "fence": job.document["fence"],
        "workspace": job.document["workspace"],
        "url": service.url,
        "run": "run-1",
        "before": None,
    }
    (root / "job.json").write_text(json.dumps(notes))
    start()
    assert ("POST", f"/api/agent/v1/jobs/{job.document['id']}/finish") in service.requests
    assert not root.exists()


def test_a_state_that_was_cut_off_is_not_taken_for_none(service: AgentService, start: Start, home: Path) -> None:
    job = service.add("apply")
    root = home / "agent-0" / "jobs" / job.document["id"]
    folder = root / "work" / "state" / job.document["workspace"]["name"]
    folder.mkdir(parents=True)
    (folder / "terraform.tfstate").write_text("")
    notes = {
        "id": job.document["id"],
        "fence": job.document["fence"],
        "workspace": job.document["workspace"],
        "url": service.url,
        "run": "run-1",
        "before": "the digest of another one",
    }
    (root / "job.json").write_text(json.dumps(notes))
    start()
    assert job.finished.wait(10)
    assert (job.result or {})["state-missing"] is True
    assert job.states == []


def test_a_killed_agent_leaves_no_plan(start: Start, home: Path) -> None:
    left = home / "agent-0" / "jobs" / "job-9"
    left.mkdir(parents=True)
    (left / "plan").write_text("secret")
    start()
    assert not left.exists()


def test_a_state_that_is_not_taken_is_kept(
    service: AgentService, start: Start, pretend: Callable[[str], Path], home: Path
) -> None:
    start(tools=pretend('test "$1" = plan && exit 0; echo "{}" | state'))
    planned = service.add("plan", version="9.9.9")
    service.run(planned)
    job = service.add_apply(planned)
    service.broken.add("state")
    job.state = None
    assert service.run(job)["outcome"] == "failed"
    assert "The agent could not exchange with the service what the run needs" in (job.result or {})["error"]
    service.broken.discard("state")
    planned = service.add("plan", version="9.9.9")
    service.run(planned)
    job = service.add_apply(planned)
    service.broken.add("state PUT")
    ended = service.run(job)
    assert (ended["outcome"], ended["state-missing"]) == ("failed", True)
    assert "the service did not take the state of this apply: This is not taken." in job.text
    assert (home / "agent-0" / "lost-states" / f"{job.document['run']['id']}.tfstate").read_text() == "{}\n"


def test_the_command_ends_gracefully(service: AgentService, launch: Launch) -> None:
    agent = launch(GROUNDPLAN_AGENT_NAME="ada")
    due = time.monotonic() + 10
    while not service.agents and time.monotonic() < due:
        time.sleep(0.02)
    [registered] = service.agents.values()
    assert registered | {"tools": None} == {
        "protocol": 1,
        "name": "ada",
        "version": registered["version"],
        "os": "linux",
        "arch": os.uname().machine,
        "slots": max(2, os.cpu_count() or 1),
        "single": False,
        "tools": None,
        "sandbox": "bwrap",
    }
    agent.terminate()
    assert agent.wait(10) == 0
    assert service.agents == {}


def test_a_service_of_another_protocol(service: AgentService, launch: Launch) -> None:
    service.refuse_registration = True
    agent = launch()
    assert agent.wait(10) == 1
    assert agent.stderr is not None
    assert b"The service does not take this agent: This service speaks protocol 2." in agent.stderr.read()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"GROUNDPLAN_URL": ""}, "GROUNDPLAN_URL must be the address"),
        ({"GROUNDPLAN_AGENT_TOKEN": ""}, "must hold a token of an agent pool"),
        ({"GROUNDPLAN_AGENT_TOKEN_FILE": "/nowhere"}, "GROUNDPLAN_AGENT_TOKEN_FILE can't be read"),
        ({"GROUNDPLAN_SANDBOX": "docker"}, "must be one of bwrap, container, none"),
        ({"GROUNDPLAN_AGENT_SLOTS": "many"}, "GROUNDPLAN_AGENT_SLOTS must be a whole number"),
        ({"GROUNDPLAN_SANDBOX_USER": "nobody-of-this-name"}, "No sandbox can be made here"),
        ({"GROUNDPLAN_AGENT_HOME": "/proc/nowhere"}, "Set GROUNDPLAN_AGENT_HOME"),
    ],
)
def test_wrong_settings_are_told(changes: dict[str, str], told: str, launch: Launch) -> None:
    if "GROUNDPLAN_SANDBOX_USER" in changes and os.geteuid() != 0:
        pytest.skip("only root becomes another user")
    agent = launch(**changes)
    assert agent.wait(10) == 2
    assert agent.stderr is not None
    assert told in agent.stderr.read().decode()


def test_an_agent_that_was_forgotten_registers_again(
    service: AgentService, start: Start, pretend: Callable[[str], Path]
) -> None:
    start(tools=pretend("exit 0"))
    due = time.monotonic() + 10
    while not service.agents and time.monotonic() < due:
        time.sleep(0.01)
    service.agents.clear()
    job = service.add("plan", version="9.9.9")
    service.retry_after = "0"
    assert service.run(job)["outcome"] == "ok"


def test_what_it_keeps_is_nobody_else_s(
    service: AgentService, launch: Launch, pretend: Callable[[str], Path], home: Path
) -> None:
    launch(GROUNDPLAN_TOOLS=str(pretend("umask; echo of-the-run > file; sleep 1")))
    service.retry_after = "0"
    job = service.offer(service.add("plan", version="9.9.9"))
    job.configuration = packed({"sub/main.tf": "x"})
    job.wait_for_log("0022")
    [root] = home.glob("agent-0/jobs/*")
    work = root / "work"
    assert work.stat().st_mode & 0o777 == 0o700
    assert (work / "config" / "sub" / "main.tf").stat().st_mode & 0o777 == 0o644
    assert (work / "config" / "sub").stat().st_mode & 0o777 == 0o755
    for path in (root, *home.glob("agent-*"), home):
        assert path.stat().st_mode & 0o077 == 0o011, path
    for path in (*root.glob("*"), *root.glob("input/*")):
        assert path.is_dir() or path.stat().st_mode & 0o077 == 0, path
    assert job.finished.wait(10)


def test_a_state_that_must_wait_keeps_no_job_waiting(
    service: AgentService, launch: Launch, pretend: Callable[[str], Path], home: Path
) -> None:
    left = service.add("apply")
    root = home / "agent-0" / "jobs" / left.document["id"]
    state = root / "work" / "state" / left.document["workspace"]["name"] / "terraform.tfstate"
    state.parent.mkdir(parents=True)
    state.write_text("{}")
    notes = {
        "id": left.document["id"],
        "fence": left.document["fence"],
        "workspace": left.document["workspace"],
        "url": service.url,
        "run": "run-1",
        "before": None,
    }
    (root / "job.json").write_text(json.dumps(notes))
    service.unavailable.add("state PUT")
    service.retry_after = "0"
    tools = str(pretend("exit 0"))
    agent = launch(GROUNDPLAN_TOOLS=tools)
    assert service.run(service.add("plan", version="9.9.9"))["outcome"] == "ok"
    # The job itself is given out again: its new attempt takes nothing away from what is left.
    left.document |= {"fence": 8, "version": "9.9.9"}
    left.given = {"plan": b"planned"}
    assert service.run(left)["outcome"] == "ok"
    agent.terminate()
    assert agent.wait(10) == 0
    assert state.read_text() == "{}"
    left.document["fence"] = 7
    service.unavailable.clear()
    launch(GROUNDPLAN_TOOLS=tools)
    due = time.monotonic() + 10
    while root.exists() and time.monotonic() < due:
        time.sleep(0.02)
    assert left.states == [(b"{}", True)]
    assert not root.exists()
