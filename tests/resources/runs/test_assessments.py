"""Assessments: what has drifted, and which checks do not hold."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import update

from app.models.assessment_results import AssessmentResult
from app.models.background_tasks import DueTask
from app.models.runs import Run
from app.models.workspaces import Workspace
from app.resources.runs.assessment_results.background import start_due_assessments
from app.resources.runs.assessment_results.retention import remove_old_assessments
from app.services import services
from app.web.context import act_as_service
from tests.support.api import document
from tests.support.background import do_due
from tests.support.runs import Runs

DRIFT = {"address": "null_resource.a", "mode": "managed", "change": {"actions": ["update"]}}
CHECKS = [{"status": status} for status in ("pass", "pass", "fail", "error", "unknown")]
RESOURCES = [{"mode": "managed"}, {"mode": "data"}]
PRIOR = {"values": {"root_module": {"resources": RESOURCES, "child_modules": [{"resources": RESOURCES}]}}}


@pytest.fixture
def filled(runs: Runs) -> Runs:
    """The workspace has a state with a resource, and is assessed."""
    runs.new(auto_apply=True)
    runs.agent.plan()
    runs.agent.apply()
    sent = document("workspaces", {"assessments-enabled": True})
    runs.api.patch(f"/workspaces/{runs.workspace.id}", runs.owner.token, sent)
    return runs


def assess(runs: Runs, expect: int = 200) -> Any:
    return runs.api.post(f"/workspaces/{runs.workspace.id}/actions/assess", runs.owner.token, expect=expect)


def finish(runs: Runs, app: Flask, plan: dict[str, Any] | None) -> None:
    """Let the agent plan the assessment, or fail, and read what it has found."""
    job = runs.agent.take()
    job.start()
    if plan is None:
        job.finish("failed")
    else:
        job.put("artifacts/plan-json", orjson.dumps(plan))
        job.finish()
    do_due(app)


def current(runs: Runs, expect: int = 200) -> Any:
    return runs.api.get(f"/workspaces/{runs.workspace.id}/current-assessment-result", runs.owner.token, expect=expect)


def start_due(filled: Runs) -> int:
    """Look for what is due; how many assessments were started."""
    task = DueTask(id="", kind="", key=None, lane=None, payload={}, attempt=1, is_last=False)
    before = len(filled.world.all(Run))
    with filled.app.app_context():
        act_as_service()
        start_due_assessments(task)
    return len(filled.world.all(Run)) - before


def test_an_assessment_tells_drift_and_checks(app: Flask, filled: Runs) -> None:
    current(filled, expect=404)
    assess(filled)
    (run,) = [run for run in filled.world.all(Run) if run.trigger_reason == "assessment"]
    assert (run.plan_only, run.refresh_only, run.source) == (True, True, "tfe-assessment")
    finish(filled, app, {"resource_drift": [DRIFT], "checks": CHECKS, "prior_state": PRIOR})
    found = current(filled)["data"]
    expected = {
        "succeeded": True,
        "drifted": True,
        "all-checks-succeeded": False,
        "resources-drifted": 1,
        "resources-undrifted": 1,
        "checks-passed": 2,
        "checks-failed": 1,
        "checks-errored": 1,
        "checks-unknown": 1,
        "error-message": None,
    }
    assert expected.items() <= found["attributes"].items()
    assert found["relationships"]["workspace"]["data"]["id"] == filled.workspace.id
    path = f"/workspaces/{filled.workspace.id}?include=current_assessment_result"
    shown = filled.api.get(path, filled.owner.token)
    assert shown["data"]["relationships"]["current-assessment-result"]["data"]["id"] == found["id"]
    assert [each["id"] for each in shown["included"]] == [found["id"]]
    assert shown["data"]["attributes"]["last-assessment-result-at"] == found["attributes"]["created-at"]
    for part in ("json-output", "log-output"):
        assert filled.api.raw("GET", f"/assessment-results/{found['id']}/{part}", filled.owner.token).status_int == 307
    # It is no run that people look for.
    listed = filled.api.get(f"/workspaces/{filled.workspace.id}/runs", filled.owner.token)["data"]
    assert run.id not in [each["id"] for each in listed]


@pytest.mark.one_database
def test_an_assessment_that_finds_nothing(app: Flask, filled: Runs) -> None:
    assess(filled)
    finish(filled, app, {"resource_drift": [{**DRIFT, "change": {"actions": ["no-op"]}}], "prior_state": PRIOR})
    attributes = current(filled)["data"]["attributes"]
    assert (attributes["drifted"], attributes["all-checks-succeeded"]) == (False, True)
    assert (attributes["resources-drifted"], attributes["resources-undrifted"]) == (0, 2)


@pytest.mark.one_database
def test_an_assessment_that_fails(app: Flask, filled: Runs) -> None:
    assess(filled)
    finish(filled, app, None)
    attributes = current(filled)["data"]["attributes"]
    assert (attributes["succeeded"], attributes["resources-drifted"]) == (False, None)
    assert attributes["error-message"] == "The run that assesses has failed; its log says why"


def test_they_start_once_a_day(app: Flask, filled: Runs) -> None:
    assert start_due(filled) == 1
    finish(filled, app, {})
    assert start_due(filled) == 0
    with services(app).engines.writing.begin() as connection:
        connection.execute(update(Workspace).values(assessed_at=datetime.now(UTC) - timedelta(hours=25)))
    assert start_due(filled) == 1


def test_an_organization_can_have_all_assessed(filled: Runs) -> None:
    sent = document("workspaces", {"assessments-enabled": False})
    filled.api.patch(f"/workspaces/{filled.workspace.id}", filled.owner.token, sent)
    assert start_due(filled) == 0
    refused = assess(filled, expect=422)
    assert refused["errors"][0]["code"] == "assessments-off"
    sent = document("organizations", {"assessments-enforced": True})
    filled.api.patch(f"/organizations/{filled.organization.name}", filled.owner.token, sent)
    assert start_due(filled) == 1


def test_what_can_not_be_assessed_now(filled: Runs) -> None:
    assess(filled)
    assert assess(filled, expect=409)["errors"][0]["code"] == "workspace-not-assessable"
    empty = filled.add_workspace(assessments_enabled=True)
    refused = filled.api.post(f"/workspaces/{empty.id}/actions/assess", filled.owner.token, expect=409)
    assert "nothing that could have drifted" in refused["errors"][0]["detail"]
    local = filled.add_workspace(
        assessments_enabled=True, resource_count=1, own_execution_mode="local", own_agent_pool_id=None
    )
    assert start_due(filled) == 0
    assert start_due(filled) == 0
    assert next(each for each in filled.world.all(Workspace) if each.id == local.id).assessed_at is not None


def test_who_may(filled: Runs) -> None:
    readers = filled.world.team(filled.organization)
    filled.world.access(readers, filled.project, "read")
    reader = filled.world.member(filled.organization, readers)
    path = f"/workspaces/{filled.workspace.id}/actions/assess"
    filled.api.post(path, reader.token, expect=404)
    filled.api.post(path, filled.world.person().token, expect=404)


def test_old_assessments_are_removed_with_their_runs(app: Flask, filled: Runs) -> None:
    for _ in range(2):
        assess(filled)
        finish(filled, app, {"prior_state": PRIOR})
    kept = current(filled)["data"]["id"]
    with services(app).engines.writing.begin() as connection:
        connection.execute(update(Run).values(created_at=datetime.now(UTC) - timedelta(days=31)))
    with app.app_context():
        act_as_service()
        assert remove_old_assessments() == 1
        assert remove_old_assessments() == 0
    assert current(filled)["data"]["id"] == kept
    assert [each.trigger_reason for each in filled.world.all(Run)] == ["manual", "assessment"]
    assert len(filled.world.all(AssessmentResult)) == 1
