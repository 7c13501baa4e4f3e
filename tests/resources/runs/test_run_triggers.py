"""Run triggers: an apply of one workspace starts a run of another."""

from typing import Any

import pytest
from flask import Flask

from app.models.background_tasks import BackgroundTask
from app.models.runs import Run
from app.models.workspaces import Workspace
from tests.support.api import document, faults
from tests.support.background import do_due
from tests.support.runs import Runs, uploaded_configuration


@pytest.fixture
def source(runs: Runs) -> Workspace:
    return runs.add_workspace(name="source")


def trigger(
    runs: Runs, source: Workspace, *, target: Workspace | None = None, expect: int = 201, token: str = ""
) -> Any:
    path = f"/workspaces/{(target or runs.workspace).id}/run-triggers"
    sent = document("run-triggers", sourceable=("workspaces", source.id))
    return runs.api.post(path, token or runs.owner.token, sent, expect=expect)


def triggered(runs: Runs) -> list[Run]:
    return [run for run in runs.world.all(Run) if run.trigger_reason == "run_trigger"]


def apply_source(runs: Runs, app: Flask, source: Workspace) -> str:
    """Apply the source once, then do what is to be done in the background."""
    uploaded_configuration(app, runs.world, source)
    run_id = str(runs.create(workspace=source, auto_apply=True)["data"]["id"])
    runs.agent.plan()
    runs.agent.apply()
    do_due(app)
    return run_id


@pytest.fixture
def has_run(runs: Runs) -> None:
    """Somebody has run the target by hand before."""
    runs.new()
    runs.agent.plan(changes=False)


@pytest.mark.usefixtures("has_run")
def test_an_apply_starts_a_run(app: Flask, runs: Runs, source: Workspace) -> None:
    made = trigger(runs, source)["data"]
    assert made["attributes"]["sourceable-name"] == "source"
    assert made["relationships"]["sourceable"]["data"]["id"] == source.id
    assert made["attributes"]["workspace-name"] == runs.workspace.name
    applied = apply_source(runs, app, source)
    (run,) = triggered(runs)
    shown = runs.api.get(f"/runs/{run.id}", runs.owner.token)["data"]
    assert shown["attributes"]["status"] == "plan_queued"
    assert (shown["attributes"]["source"], shown["attributes"]["auto-apply"]) == ("tfe-run-trigger", False)
    assert shown["attributes"]["triggering-source-name"] == "source"
    assert shown["relationships"]["triggering-run"]["data"]["id"] == applied
    assert shown["relationships"]["triggering-source"]["data"]["id"] == source.id
    assert runs.world.all(BackgroundTask) == []


@pytest.mark.usefixtures("has_run")
@pytest.mark.one_database
def test_the_run_applies_by_itself_if_the_workspace_says_so(app: Flask, runs: Runs, source: Workspace) -> None:
    sent = document("workspaces", {"auto-apply-run-trigger": True})
    runs.api.patch(f"/workspaces/{runs.workspace.id}", runs.owner.token, sent)
    trigger(runs, source)
    apply_source(runs, app, source)
    assert [run.auto_apply for run in triggered(runs)] == [True]


@pytest.mark.one_database
@pytest.mark.parametrize("queue_all_runs", [False, True])
def test_a_workspace_that_never_ran_waits_for_a_person(
    app: Flask, runs: Runs, source: Workspace, *, queue_all_runs: bool
) -> None:
    sent = document("workspaces", {"queue-all-runs": queue_all_runs})
    runs.api.patch(f"/workspaces/{runs.workspace.id}", runs.owner.token, sent)
    trigger(runs, source)
    apply_source(runs, app, source)
    assert len(triggered(runs)) == queue_all_runs


@pytest.mark.usefixtures("has_run")
@pytest.mark.one_database
def test_what_can_not_run_is_left_alone(app: Flask, runs: Runs, source: Workspace) -> None:
    empty = runs.add_workspace(queue_all_runs=True)
    local = runs.add_workspace(own_execution_mode="local", own_agent_pool_id=None, queue_all_runs=True)
    uploaded_configuration(app, runs.world, local)
    for target in (empty, local):
        trigger(runs, source, target=target)
    apply_source(runs, app, source)
    assert triggered(runs) == []
    assert runs.world.all(BackgroundTask) == []


def test_both_directions_are_listed(runs: Runs, source: Workspace) -> None:
    made = trigger(runs, source)["data"]["id"]
    for workspace, kind, found in (
        (runs.workspace, "inbound", [made]),
        (runs.workspace, "outbound", []),
        (source, "inbound", []),
        (source, "outbound", [made]),
    ):
        path = f"/workspaces/{workspace.id}/run-triggers?filter[run-trigger][type]={kind}"
        assert [each["id"] for each in runs.api.get(path, runs.owner.token)["data"]] == found
    refused = runs.api.get(f"/workspaces/{source.id}/run-triggers", runs.owner.token, expect=400)
    assert refused["errors"][0]["source"] == {"parameter": "filter[run-trigger][type]"}
    assert runs.api.get(f"/run-triggers/{made}", runs.owner.token)["data"]["id"] == made
    runs.api.delete(f"/run-triggers/{made}", runs.owner.token)
    runs.api.get(f"/run-triggers/{made}", runs.owner.token, expect=404)


def test_what_is_refused(runs: Runs, source: Workspace) -> None:
    where = "/data/relationships/sourceable"
    assert faults(trigger(runs, runs.workspace, expect=422)) == [("Sourceable can't be the workspace itself", where)]
    trigger(runs, source)
    assert faults(trigger(runs, source, expect=422)) == [("Sourceable has already been taken", where)]
    foreign = runs.world.workspace(runs.world.project(runs.world.organization(owner=runs.owner)))
    not_found = [("Sourceable not found, or you are not authorized to read its runs", where)]
    assert faults(trigger(runs, foreign, expect=422)) == not_found
    hidden = runs.world.workspace(runs.world.project(runs.world.organization()))
    assert faults(trigger(runs, hidden, expect=422)) == not_found
    for _ in range(19):
        trigger(runs, runs.add_workspace())
    refused = trigger(runs, runs.add_workspace(), expect=422)
    assert refused["errors"][0]["code"] == "too-many-run-triggers"


def test_who_may(runs: Runs, source: Workspace) -> None:
    readers = runs.world.team(runs.organization)
    runs.world.access(readers, runs.project, "read")
    reader, stranger = runs.world.member(runs.organization, readers), runs.world.person()
    made = trigger(runs, source)["data"]["id"]
    assert runs.api.get(f"/run-triggers/{made}", reader.token)["data"]["attributes"]["sourceable-name"] == "source"
    # Whoever sees the workspace alone does not learn what else there is.
    alone = runs.world.team(runs.organization)
    runs.world.workspace_access(alone, runs.workspace, "read")
    shown = runs.api.get(f"/run-triggers/{made}", runs.world.member(runs.organization, alone).token)["data"]
    assert (shown["attributes"]["sourceable-name"], shown["relationships"]["sourceable"]["data"]) == (None, None)
    trigger(runs, source, token=reader.token, expect=404)
    runs.api.delete(f"/run-triggers/{made}", reader.token, expect=404)
    for person in (runs.world.member(runs.organization), stranger):
        trigger(runs, source, token=person.token, expect=404)
        runs.api.get(f"/run-triggers/{made}", person.token, expect=404)
        runs.api.delete(f"/run-triggers/{made}", person.token, expect=404)
