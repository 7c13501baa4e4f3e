"""The official Python SDK, unchanged: runs from the upload to the apply, with a real agent."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytfe import TFEClient
from pytfe.models import (
    CommentCreateOptions,
    ConfigurationVersionCreateOptions,
    Run,
    RunApplyOptions,
    RunCreateOptions,
    RunDiscardOptions,
    RunListOptions,
    RunReadOptions,
    RunStatus,
    WorkspaceUpdateOptions,
)
from pytfe.models.run import RunIncludeOpt

from tests.end_to_end.agents import AgentProcess
from tests.end_to_end.made import make_workspace
from tests.end_to_end.service import Service, poll_until
from tests.end_to_end.terraform import needs_terraform

pytestmark = [needs_terraform, pytest.mark.one_database("postgresql")]

CONFIGURATION = """
variable "x" {
  type = string
}
resource "terraform_data" "a" {
  input = var.x
}
"""
WAITING = {RunStatus.Run_Planned, RunStatus.Run_Applied, RunStatus.Run_Errored}


@pytest.fixture(scope="module")
def agent(service: Service) -> Iterator[AgentProcess]:
    """An agent that the tests of the module share."""
    running = AgentProcess(service).start()
    yield running
    running.close()


@pytest.mark.usefixtures("agent")
def test_a_run_from_the_upload_to_the_apply(tfe: TFEClient, organization: str, tmp_path: Path) -> None:
    workspace = make_workspace(tfe, organization, "runs")
    tfe.workspaces.update_by_id(workspace.id, WorkspaceUpdateOptions.model_validate({"execution_mode": "remote"}))
    (tmp_path / "main.tf").write_text(CONFIGURATION)
    quiet = ConfigurationVersionCreateOptions.model_validate({"auto_queue_runs": False})
    version = tfe.configuration_versions.create(workspace.id, quiet)
    assert version.upload_url is not None
    tfe.configuration_versions.upload(version.upload_url, str(tmp_path))

    def start(value: str) -> Run:
        asked = {
            "workspace": {"id": workspace.id},
            "message": "Go",
            "variables": [{"key": "x", "value": value}],
        }
        return tfe.runs.create(RunCreateOptions.model_validate(asked))

    def settled(run: Run) -> Run:
        poll_until(lambda: tfe.runs.read(run.id).status in WAITING, 60, "a plan")
        return tfe.runs.read(run.id)

    run = settled(start('"hello"'))
    assert (run.status, run.has_changes, run.message) == (RunStatus.Run_Planned, True, "Go")
    assert run.actions is not None
    assert run.actions.is_confirmable
    assert run.plan is not None
    plan = tfe.plans.read(run.plan.id)
    assert (plan.resource_additions, plan.resource_changes, plan.resource_destructions) == (1, 0, 0)
    output = tfe.plans.read_json_output(plan.id)
    assert output is not None
    assert output["resource_changes"][0]["address"] == "terraform_data.a"
    comment = tfe.comments.create(run.id, CommentCreateOptions(body="Looks good"))
    tfe.runs.apply(run.id, RunApplyOptions(comment="Yes"))
    poll_until(lambda: tfe.runs.read(run.id).status == RunStatus.Run_Applied, 60, "an apply")
    assert [each.body for each in tfe.comments.list(run.id)] == [comment.body, "Yes"]
    assert "applied" in [each.action for each in tfe.run_events.list(run.id)]
    assert run.apply is not None
    assert tfe.applies.read(run.apply.id).resource_additions == 1

    second = settled(start('"other"'))
    tfe.runs.discard(second.id, RunDiscardOptions(comment="No"))
    assert tfe.runs.read(second.id).status == RunStatus.Run_Discarded
    listed = list(tfe.runs.list(workspace.id, RunListOptions.model_validate({"status": "applied"})))
    assert [each.id for each in listed] == [run.id]
    related = [RunIncludeOpt.RUN_PLAN, RunIncludeOpt.RUN_APPLY, RunIncludeOpt.RUN_CREATED_BY]
    shown = tfe.runs.read_with_options(run.id, RunReadOptions(include=related))
    assert shown.plan is not None
    assert shown.plan.id == plan.id
