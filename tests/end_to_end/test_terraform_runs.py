"""The real terraform with runs on the service, and a real agent that executes them."""

import signal
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.end_to_end.agents import AgentProcess
from tests.end_to_end.service import MEDIA_TYPE, Service, poll_until
from tests.end_to_end.terraform import HOST, Terraform, finished, heard, needs_terraform

pytestmark = [needs_terraform, pytest.mark.one_database]

CONFIGURATION = """
variable "x" {
  type    = string
  default = "a"
}
resource "terraform_data" "a" {
  input = var.x
}
output "o" {
  value = terraform_data.a.output
}
"""
SLOW = """
resource "terraform_data" "slow" {
  provisioner "local-exec" {
    command = "sleep 60"
  }
}
"""
# A plan that takes its time: the data source is read while planning.
PLANNED = "1 to add, 0 to change, 0 to destroy"


@pytest.fixture(scope="module")
def agent(service: Service) -> Iterator[AgentProcess]:
    """An agent that the tests of the module share; it must end cleanly after them."""
    running = AgentProcess(service).start()
    yield running
    assert running.stop() == 0
    running.close()


class Remote:
    """A workspace whose runs are remote, and a folder with its configuration."""

    def __init__(self, service: Service, http: httpx.Client, terraform: Terraform, name: str) -> None:
        self.http, self.terraform, self.name = http, terraform, name
        self.organization = service.organization

    def create(self, *, backend: str = "cloud", configuration: str = CONFIGURATION, **attributes: Any) -> "Remote":
        """Create the workspace, write the configuration and initialize it."""
        sent = {"name": self.name, "execution-mode": "remote", **attributes}
        document = {"data": {"type": "workspaces", "attributes": sent}}
        answer = self.send("POST", f"/organizations/{self.organization}/workspaces", document)
        self.id = answer["data"]["id"]
        block = "cloud" if backend == "cloud" else 'backend "remote"'
        self.terraform.write(
            f'terraform {{\n{block} {{\nhostname = "{HOST}"\norganization = "{self.organization}"\n'
            f'workspaces {{\nname = "{self.name}"\n}}\n}}\n}}\n{configuration}'
        )
        self.terraform.run("init")
        return self

    def send(self, method: str, path: str, document: Any = None) -> Any:
        answer = self.http.request(
            method, path.removeprefix("/"), json=document, headers={"Content-Type": MEDIA_TYPE, "Accept": MEDIA_TYPE}
        )
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def runs(self) -> list[Any]:
        """The runs of the workspace, newest first, also those that only plan."""
        operations = "plan_only,plan_and_apply,save_plan,refresh_only,destroy,empty_apply"
        return list(self.send("GET", f"/workspaces/{self.id}/runs?filter[operation]={operations}")["data"])

    def status(self) -> str:
        """The status of the newest run."""
        found = self.runs()
        return str(found[0]["attributes"]["status"]) if found else ""

    def is_locked(self) -> bool:
        return bool(self.send("GET", f"/workspaces/{self.id}")["data"]["attributes"]["locked"])


@pytest.fixture
def remote(
    service: Service, http: httpx.Client, terraform: Callable[..., Terraform], request: pytest.FixtureRequest
) -> Callable[..., Remote]:
    """Makes workspaces whose runs are remote."""

    def make(**options: Any) -> Remote:
        name = request.node.originalname.removeprefix("test_")[:60] + options.pop("suffix", "")
        return Remote(service, http, terraform(name), name).create(**options)

    return make


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("structured", [True, False])
@pytest.mark.parametrize("backend", ["cloud", "remote"])
def test_plan_and_apply_stream_to_the_terminal(remote: Callable[..., Remote], backend: str, structured: bool) -> None:  # noqa: FBT001
    attributes = {"structured-run-output-enabled": structured}
    ours = remote(backend=backend, suffix=f"_{backend}_{structured}", **attributes)
    planned = ours.terraform.run("plan")
    assert PLANNED in planned
    assert planned.count(PLANNED) == 1
    assert ours.status() == "planned_and_finished"
    assert not ours.is_locked()
    applied = ours.terraform.run("apply", answers=["yes"])
    assert "1 added, 0 changed, 0 destroyed" in applied
    assert ours.status() == "applied"
    assert ours.terraform.outputs() == {"o": "a"}
    unchanged = ours.terraform.attempt("plan", "-detailed-exitcode")
    assert unchanged.status == 0, unchanged.said
    assert "No changes" in unchanged.stdout


@pytest.mark.usefixtures("agent")
def test_what_the_user_answers(remote: Callable[..., Remote]) -> None:
    ours = remote()
    refused = ours.terraform.attempt("apply", answers=["no"])
    assert "Apply discarded" in refused.said
    assert ours.status() == "discarded"
    applied = ours.terraform.run("apply", "-auto-approve", "-var", "x=b")
    assert "1 added" in applied
    assert ours.terraform.outputs() == {"o": "b"}


@pytest.mark.usefixtures("agent")
def test_a_saved_plan(remote: Callable[..., Remote]) -> None:
    ours = remote()
    assert PLANNED in ours.terraform.run("plan", "-out=saved")
    assert ours.status() == "planned_and_saved"
    assert not ours.is_locked()
    assert "terraform_data.a" in ours.terraform.run("show", "saved")
    assert "1 added" in ours.terraform.run("apply", "saved")
    assert ours.status() == "applied"
    assert "already applied" in ours.terraform.refuse("apply", "saved")


@pytest.mark.usefixtures("agent")
def test_options_of_a_plan(remote: Callable[..., Remote]) -> None:
    ours = remote(configuration=CONFIGURATION + 'resource "terraform_data" "b" {}\n')
    ours.terraform.run("apply", "-auto-approve", "-target=terraform_data.b")
    assert ours.terraform.resources() == ["terraform_data.b"]
    ours.terraform.run("apply", "-auto-approve")
    assert ours.terraform.resources() == ["terraform_data.a", "terraform_data.b"]
    assert "1 added, 0 changed, 1 destroyed" in ours.terraform.run(
        "apply", "-auto-approve", "-replace=terraform_data.a"
    )
    assert "No changes" in ours.terraform.run("plan", "-refresh-only")
    assert "2 destroyed" in ours.terraform.run("destroy", "-auto-approve")
    assert ours.terraform.resources() == []


@pytest.mark.usefixtures("agent")
def test_a_configuration_that_fails(remote: Callable[..., Remote]) -> None:
    ours = remote(configuration='output "o" {\n  value = nothing.there\n}\n')
    said = ours.terraform.refuse("plan")
    assert "Reference to undeclared resource" in said
    assert ours.status() == "errored"
    assert not ours.is_locked()


@pytest.mark.usefixtures("agent")
def test_a_run_waits_for_another_one(remote: Callable[..., Remote]) -> None:
    ours = remote()
    first = ours.terraform.start("apply")
    heard(first, "Enter a value:")
    second = ours.terraform.start("apply", "-auto-approve", "-var", "x=second")
    poll_until(lambda: ours.status() == "pending", 20, "a second run that waits")
    assert first.stdin is not None
    first.stdin.write("yes\n")
    first.stdin.flush()
    assert finished(first).status == 0
    ended = finished(second)
    assert ended.status == 0, ended.said
    assert ours.terraform.outputs() == {"o": "second"}


@pytest.mark.usefixtures("agent")
def test_a_run_waits_for_a_locked_workspace(remote: Callable[..., Remote]) -> None:
    ours = remote()
    ours.send("POST", f"/workspaces/{ours.id}/actions/lock", {"reason": "Lunch"})
    waiting = ours.terraform.start("apply", "-auto-approve")
    assert "manually locked workspace" in heard(waiting, "manually locked workspace")
    assert PLANNED in ours.terraform.run("plan")
    ours.send("POST", f"/workspaces/{ours.id}/actions/unlock")
    ended = finished(waiting)
    assert ended.status == 0, ended.said


@pytest.mark.usefixtures("agent")
def test_ctrl_c_while_it_applies(remote: Callable[..., Remote]) -> None:
    ours = remote(configuration=SLOW)
    process = ours.terraform.start("apply", "-auto-approve")
    poll_until(lambda: ours.status() == "applying", 30, "an apply")
    heard(process, "Creating...")
    process.send_signal(signal.SIGINT)
    assert "The remote operation was successfully cancelled" in finished(process).said
    poll_until(lambda: ours.status() == "canceled", 30, "a canceled run")
    assert not ours.is_locked()


@pytest.mark.usefixtures("agent")
def test_ctrl_c_while_it_asks(remote: Callable[..., Remote]) -> None:
    ours = remote()
    process = ours.terraform.start("apply")
    heard(process, "Enter a value:")
    process.send_signal(signal.SIGINT)
    # What it says depends on whether it has heard the signal or the end of its input first.
    assert "Apply complete" not in finished(process).said
    # Terraform leaves the run to whoever wants to confirm it elsewhere, or discards it.
    assert ours.status() in {"planned", "discarded"}
