"""The plan and the apply of a run, with the real Terraform in the sandbox."""

import json
from typing import Any

import pytest

from tests.support.agent_service import AgentService, ServedJob, packed
from tests.support.running_agent import Start

pytestmark = pytest.mark.needs("terraform")

ONE = 'resource "terraform_data" "x" {\n  input = "hello"\n}\noutput "name" {\n  value = terraform.workspace\n}\n'


def plan(service: AgentService, main: str = ONE, **changes: Any) -> ServedJob:
    job = service.add("plan", **changes)
    job.configuration = packed(main=main)
    return job


def test_a_plan_hands_over_everything(service: AgentService, start: Start) -> None:
    start()
    job = plan(service)
    assert service.run(job) == {
        "outcome": "ok",
        "error": None,
        "has-changes": True,
        "additions": 1,
        "changes": 0,
        "destructions": 0,
        "imports": 0,
        "generated-configuration": False,
        "terraform-version": "1.11.4",
    }
    assert job.text.splitlines()[:3] == [
        "Terraform v1.11.4",
        "on linux_amd64",
        "Initializing plugins and modules...",
    ]
    assert "1 to add, 0 to change, 0 to destroy." in job.text
    assert "Initializing the backend" not in job.text
    assert set(job.artifacts) == {"plan", "plan-json", "plan-json-redacted"}
    shown = json.loads(job.artifacts["plan-json"])
    assert shown["output_changes"]["name"]["after"] == "net"
    redacted = json.loads(job.artifacts["plan-json-redacted"])
    assert redacted["plan_format_version"] == shown["format_version"]
    assert [change["address"] for change in redacted["resource_changes"]] == ["terraform_data.x"]
    schemas = redacted["provider_schemas"]["terraform.io/builtin/terraform"]["resource_schemas"]
    assert list(schemas) == ["terraform_data"]
    assert "prior_state" not in redacted
    assert job.states == []


@pytest.mark.parametrize("elsewhere", [False, True], ids=["same agent", "another agent"])
def test_an_apply_uses_the_plan(service: AgentService, start: Start, *, elsewhere: bool) -> None:
    first = start()
    planned = plan(service)
    service.run(planned)
    if elsewhere:
        first.end()
        start()
    job = service.add_apply(planned)
    assert service.run(job) == {"outcome": "ok", "error": None, "terraform-version": "1.11.4"}
    assert job.text.splitlines()[:3] == planned.text.splitlines()[:3]
    assert "Resources: 1 added, 0 changed, 0 destroyed." in job.text
    [(state, final)] = job.states
    assert final
    assert json.loads(state)["outputs"]["name"]["value"] == "net"
    assert job.started == 1


def test_json_logs(service: AgentService, start: Start) -> None:
    start()
    planned = plan(service, ONE, **{"json-log": True})
    service.run(planned)
    assert planned.text.startswith("Terraform v1.11.4\n")
    kinds = [json.loads(line)["type"] for line in planned.text.splitlines()[3:]]
    assert kinds[0] == "version"
    assert "change_summary" in kinds
    job = service.add_apply(planned, **{"json-log": True})
    service.run(job)
    assert [json.loads(line)["type"] for line in job.text.splitlines()[3:]][-2:] == ["change_summary", "outputs"]
