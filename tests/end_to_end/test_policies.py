"""Policies on the plans of the real terraform: what stops a run, and what its user sees."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.end_to_end.agents import AgentProcess
from tests.end_to_end.service import Service
from tests.end_to_end.terraform import Terraform, needs_terraform
from tests.end_to_end.test_terraform_runs import PLANNED, Remote

pytestmark = [needs_terraform, pytest.mark.one_database]

CODE = """package terraform
import rego.v1
deny contains msg if {
  some change in input.plan.resource_changes
  change.change.after.input == "a"
  msg := sprintf("%s holds an a in %s", [change.address, input.run.workspace.name])
}
"""


@pytest.fixture(scope="module")
def agent(service: Service) -> Iterator[AgentProcess]:
    """An agent that the tests of the module share; it must end cleanly after them."""
    running = AgentProcess(service).start()
    yield running
    assert running.stop() == 0
    running.close()


@pytest.fixture
def remote(
    service: Service, http: httpx.Client, terraform: Callable[..., Terraform], request: pytest.FixtureRequest
) -> Remote:
    name = request.node.originalname.removeprefix("test_")
    return Remote(service, http, terraform(name), name).create()


def enforce(remote: Remote, level: str, **attributes: Any) -> None:
    """Put a policy upon the workspace: no resource may hold an a."""
    of = f"/organizations/{remote.organization}"
    named = {"name": remote.name, "description": "Nobody may hold an a", "query": "data.terraform.deny"}
    policy = remote.send(
        "POST", f"{of}/policies", {"data": {"type": "policies", "attributes": {**named, "enforcement-level": level}}}
    )["data"]
    answer = remote.http.put(
        f"policies/{policy['id']}/upload", content=CODE, headers={"Content-Type": "application/octet-stream"}
    )
    assert answer.is_success, answer.text
    relationships = {
        "policies": {"data": [{"type": "policies", "id": policy["id"]}]},
        "workspaces": {"data": [{"type": "workspaces", "id": remote.id}]},
    }
    made = {"type": "policy-sets", "attributes": {"name": remote.name, **attributes}, "relationships": relationships}
    remote.send("POST", f"{of}/policy-sets", {"data": made})


def outcomes(remote: Remote) -> Any:
    """What the policy says about the newest run."""
    run_id = remote.runs()[0]["id"]
    (stage,) = remote.send("GET", f"/runs/{run_id}/task-stages")["data"]
    (evaluation,) = stage["relationships"]["policy-evaluations"]["data"]
    (outcome,) = remote.send("GET", f"/policy-evaluations/{evaluation['id']}/policy-set-outcomes")["data"]
    return outcome["attributes"]["outcomes"]


@pytest.mark.usefixtures("agent")
def test_a_mandatory_policy_stops_an_apply(remote: Remote) -> None:
    enforce(remote, "mandatory")
    ended = remote.terraform.attempt("apply", "-auto-approve")
    assert ended.status == 1
    assert "Overall Result: FAILED" in ended.stdout
    assert f"Policy name: {remote.name}" in ended.stdout
    assert "Failed | Nobody may hold an a" in ended.said
    assert "Task Stage failed" in ended.said
    assert "Apply complete" not in ended.said
    assert remote.status() == "errored"
    assert not remote.is_locked()
    (said,) = outcomes(remote)
    assert said["output"] == [f"terraform_data.a holds an a in {remote.name}"]
    assert "1 added" in remote.terraform.run("apply", "-auto-approve", "-var", "x=b")


@pytest.mark.usefixtures("agent")
def test_an_advisory_policy_only_tells(remote: Remote) -> None:
    enforce(remote, "advisory")
    said = remote.terraform.run("apply", answers=["yes"])
    assert PLANNED in said
    assert "Overall Result: PASSED (with advisory)" in said
    assert "1 added, 0 changed, 0 destroyed" in said


@pytest.mark.usefixtures("agent")
def test_an_override_lets_a_run_go_on(remote: Remote) -> None:
    enforce(remote, "mandatory", overridable=True)
    said = remote.terraform.run("apply", answers=["override", "yes"])
    assert PLANNED in said
    assert "Do you want to override the failed policies?" in said
    assert "1 added, 0 changed, 0 destroyed" in said
    assert remote.status() == "applied"
