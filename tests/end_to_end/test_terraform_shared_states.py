"""The real terraform in a run reads the states that are shared with its workspace, and no others."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.end_to_end.agents import AgentProcess
from tests.end_to_end.service import MEDIA_TYPE, Service, poll_until
from tests.end_to_end.terraform import needs_terraform
from tests.support.configurations import archive
from tests.support.states import OUTPUTS, md5, state

pytestmark = [needs_terraform, pytest.mark.one_database]

READER = """
data "terraform_remote_state" "source" {{
  backend = "remote"
  config = {{
    hostname     = "groundplan.local"
    organization = "{organization}"
    workspaces   = {{ name = "shared-source" }}
  }}
}}
output "address" {{
  value = data.terraform_remote_state.source.outputs.address
}}
"""


@pytest.fixture(scope="module")
def agent(service: Service) -> Iterator[AgentProcess]:
    running = AgentProcess(service).start()
    yield running
    assert running.stop() == 0
    running.close()


class Client:
    """Sends documents, and waits for runs."""

    def __init__(self, service: Service, http: httpx.Client) -> None:
        self._http, self.organization = http, service.organization

    def send(self, method: str, path: str, attributes: Any = None, type_: str = "", **relationships: Any) -> Any:
        data = {"type": type_, "attributes": attributes or {}, "relationships": relationships}
        answer = self._http.request(
            method, path, json={"data": data} if type_ else None, headers={"Content-Type": MEDIA_TYPE}
        )
        assert answer.is_success, answer.text
        return answer.json()["data"] if answer.content else None

    def workspace(self, name: str, **attributes: Any) -> str:
        path = f"organizations/{self.organization}/workspaces"
        return str(self.send("POST", path, {"name": name, **attributes}, "workspaces")["id"])

    def applied(self, workspace_id: str) -> str:
        """The final status of a new run of the workspace."""
        workspace = {"data": {"type": "workspaces", "id": workspace_id}}
        run = self.send("POST", "runs", {"auto-apply": True}, "runs", workspace=workspace)["id"]
        final = {"applied", "errored", "planned_and_finished"}

        def status() -> str:
            return str(self.send("GET", f"runs/{run}")["attributes"]["status"])

        poll_until(lambda: status() in final, 60, "the end of the run")
        return status()

    def log_of_plan(self, workspace_id: str) -> str:
        run = self.send("GET", f"workspaces/{workspace_id}/runs?page[size]=1")[0]["id"]
        url = self.send("GET", f"runs/{run}/plan")["attributes"]["log-read-url"]
        return self._http.get(url).text


@pytest.mark.usefixtures("agent")
def test_a_run_reads_the_states_that_are_shared_with_it(service: Service, http: httpx.Client) -> None:
    client = Client(service, http)
    source = client.workspace("shared-source", **{"execution-mode": "local"})
    client.send("POST", f"workspaces/{source}/actions/lock")
    version = client.send(
        "POST",
        f"workspaces/{source}/state-versions",
        {"serial": 1, "md5": md5(state(outputs=OUTPUTS))},
        "state-versions",
    )
    http.put(version["attributes"]["hosted-state-upload-url"], content=state(outputs=OUTPUTS)).raise_for_status()
    client.send("POST", f"workspaces/{source}/actions/unlock")

    reader = client.workspace("shared-reader", **{"execution-mode": "remote"})
    path = f"workspaces/{reader}/configuration-versions"
    uploaded = client.send("POST", path, {"auto-queue-runs": False}, "configuration-versions")
    files = {"main.tf": READER.format(organization=client.organization).encode()}
    http.put(uploaded["attributes"]["upload-url"], content=archive(files)).raise_for_status()

    assert client.applied(reader) == "errored"
    assert "shared-source" in client.log_of_plan(reader)
    client.send("PATCH", f"workspaces/{source}", {"global-remote-state": True}, "workspaces")
    assert client.applied(reader) == "applied"
    outputs = client.send("GET", f"workspaces/{reader}/current-state-version-outputs")
    assert [(each["attributes"]["name"], each["attributes"]["value"]) for each in outputs] == [("address", "10.0.0.1")]
