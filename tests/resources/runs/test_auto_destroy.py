"""When workspaces are destroyed by themselves, and what becomes of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.models.configuration_versions import ConfigurationVersion
from app.models.projects import Project
from app.models.workspaces import Workspace
from app.services import services
from tests.support.api import document
from tests.support.auto_destroy import change, look, make_due, moment, runs_of_the_timer, shown
from tests.support.runs import Job, Runs
from tests.support.states import state


def test_a_workspace_is_destroyed_when_its_time_has_come(filled: Runs) -> None:
    change(filled, auto_destroy_at="2026-01-01T00:00:00Z")
    assert look(filled.app) == 1
    attributes = shown(filled)
    assert (attributes["auto-destroy-at"], attributes["auto-destroy-status"]) == (None, "queued")
    (run,) = runs_of_the_timer(filled)
    of_run = filled.show(run.id)
    assert (of_run["is-destroy"], of_run["auto-apply"], of_run["source"]) == (True, True, "tfe-auto-destroy")
    assert look(filled.app) == 0, "once"

    filled.agent.plan()
    job = filled.agent.take()
    job.start()
    job.put_state(state(50, resources=0))
    job.finish(destructions=1)
    attributes = shown(filled)
    assert (attributes["auto-destroy-at"], attributes["auto-destroy-status"]) == (None, "applied")
    assert attributes["resource-count"] == 0


def test_the_time_follows_the_settings_and_the_state(filled: Runs) -> None:
    change(filled, auto_destroy_activity_duration="14d")
    first = moment(shown(filled)["auto-destroy-at"])
    assert first == moment(shown(filled)["latest-change-at"]) + timedelta(days=14)
    change(filled, auto_destroy_activity_duration="2h")
    assert moment(shown(filled)["auto-destroy-at"]) == moment(shown(filled)["latest-change-at"]) + timedelta(hours=2)
    filled.new(auto_apply=True)
    filled.agent.plan()
    job = filled.agent.take()
    job.start()
    job.put_state(state(60))
    job.finish(additions=1)
    after = moment(shown(filled)["auto-destroy-at"])
    assert after == moment(shown(filled)["latest-change-at"]) + timedelta(hours=2)
    assert after > first - timedelta(days=14) + timedelta(hours=2), "a new state counts as activity"
    # The workspace's own setting goes, and the project has none.
    change(filled, auto_destroy_activity_duration=None)
    assert shown(filled)["auto-destroy-at"] is None


def test_a_project_reaches_all_that_inherit_in_one_statement(
    filled: Runs, statements: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    changed_at = datetime.now(UTC).replace(microsecond=0)
    other = filled.add_workspace(resource_count=3, state_changed_at=changed_at)
    own = filled.add_workspace(resource_count=3, inherits_project_auto_destroy=False)
    path, sent = f"/projects/{filled.project.id}", document("projects", {"auto-destroy-activity-duration": "3d"})
    with statements() as seen:
        filled.api.patch(path, filled.owner.token, sent)
    assert len([each for each in seen if each.startswith("UPDATE workspaces")]) == 1
    by_id = {each.id: each.auto_destroy_due_at for each in filled.world.all(Workspace)}
    assert by_id[other.id] == changed_at + timedelta(days=3)
    assert by_id[filled.workspace.id] == moment(shown(filled)["auto-destroy-at"])
    assert by_id[own.id] is None
    # Where the workspace goes, another duration counts.
    elsewhere = filled.world.project(filled.organization, auto_destroy_activity_duration="1d")
    moved = document("workspaces", project=("projects", elsewhere.id))
    filled.api.patch(f"/workspaces/{other.id}", filled.owner.token, moved)
    by_id = {each.id: each.auto_destroy_due_at for each in filled.world.all(Workspace)}
    assert by_id[other.id] == changed_at + timedelta(days=1)
    filled.api.patch(path, filled.owner.token, document("projects", {"auto-destroy-activity-duration": None}))
    assert shown(filled)["auto-destroy-at"] is None


def test_a_workspace_that_is_destroyed_waits_for_its_next_state(filled: Runs) -> None:
    change(filled, auto_destroy_activity_duration="1h")
    filled.new(is_destroy=True, auto_apply=True)
    filled.agent.plan()
    job = filled.agent.take()
    job.start()
    job.put_state(state(50, resources=0))
    job.finish(destructions=1)
    attributes = shown(filled)
    assert (attributes["auto-destroy-at"], attributes["auto-destroy-activity-duration"]) == (None, "1h")
    filled.new(auto_apply=True)
    filled.agent.plan()
    job = filled.agent.take()
    job.start()
    job.put_state(state(51))
    job.finish(additions=1)
    assert moment(shown(filled)["auto-destroy-at"]) > datetime.now(UTC)


def test_a_run_that_has_to_wait_waits(filled: Runs) -> None:
    filled.api.post(f"/workspaces/{filled.workspace.id}/actions/lock", filled.owner.token, expect=200)
    make_due(filled)
    assert look(filled.app) == 1
    (run,) = runs_of_the_timer(filled)
    assert filled.status(run.id) == "pending"
    # Nor does a second time bring a second run.
    make_due(filled)
    assert look(filled.app) == 0
    filled.api.post(f"/workspaces/{filled.workspace.id}/actions/unlock", filled.owner.token, expect=200)
    assert filled.status(run.id) == "plan_queued"


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"allow_destroy_plan": False}, "does not allow destroy plans"),
        ({"execution_mode": "local"}, "has the execution mode local"),
    ],
)
@pytest.mark.one_database
def test_what_can_not_be_destroyed_is_told_and_tried_again(
    filled: Runs, attributes: dict[str, Any], reason: str
) -> None:
    change(filled, **attributes)
    make_due(filled)
    assert look(filled.app) == 0
    assert shown(filled)["auto-destroy-status"] == "errored"
    (workspace,) = filled.world.all(Workspace)
    assert reason in (workspace.auto_destroy_error or "")
    later = moment(shown(filled)["auto-destroy-at"]) - datetime.now(UTC)
    assert timedelta(minutes=55) < later <= timedelta(hours=1)
    assert runs_of_the_timer(filled) == []


@pytest.mark.one_database
def test_a_workspace_without_a_configuration_is_destroyed_from_its_state(filled: Runs) -> None:
    with services(filled.app).engines.writing.begin() as connection:
        connection.execute(update(ConfigurationVersion).values(speculative=True))
        connection.execute(update(Workspace).values(working_directory="a/b"))
    make_due(filled)
    assert look(filled.app) == 1
    job = filled.agent.take()
    job.start()
    archive = job.get("configuration")
    assert archive.startswith(b"\x1f\x8b")
    # No other run is made from it.
    refused = filled.create(expect=422)
    assert refused["errors"][0]["detail"] == "Configuration version is missing"


@pytest.mark.one_database
def test_a_workspace_with_nothing_in_it_needs_no_run(runs: Runs) -> None:
    change(runs, auto_destroy_at="2026-01-01T00:00:00Z")
    assert shown(runs)["auto-destroy-at"] == "2026-01-01T00:00:00.000Z"
    assert look(runs.app) == 0
    assert shown(runs)["auto-destroy-at"] is None


def test_a_run_that_fails_is_tried_again_after_the_whole_duration(filled: Runs) -> None:
    change(filled, auto_destroy_activity_duration="2d")
    make_due(filled)
    look(filled.app)
    job = filled.agent.take()
    job.start()
    job.finish("failed")
    attributes = shown(filled)
    assert attributes["auto-destroy-status"] == "errored"
    wait = moment(attributes["auto-destroy-at"]) - datetime.now(UTC)
    assert timedelta(days=1, hours=23) < wait <= timedelta(days=2)
    # A fixed time is not set again.
    change(filled, auto_destroy_at="2026-01-01T00:00:00Z")
    look(filled.app)
    job = filled.agent.take()
    job.start()
    job.finish("failed")
    attributes = shown(filled)
    assert (attributes["auto-destroy-at"], attributes["auto-destroy-status"]) == (None, "errored")


def test_a_run_that_somebody_stops_stays_stopped(filled: Runs) -> None:
    change(filled, auto_destroy_activity_duration="2d")
    make_due(filled)
    look(filled.app)
    (run,) = runs_of_the_timer(filled)
    filled.act(run.id, "cancel")
    attributes = shown(filled)
    assert (attributes["auto-destroy-at"], attributes["auto-destroy-status"]) == (None, "canceled")
    assert look(filled.app) == 0


def test_two_timers_make_one_run(filled: Runs) -> None:
    change(filled, auto_destroy_at="2026-01-01T00:00:00Z")
    barrier = Barrier(2)

    def look_at_once(_number: int) -> int:
        barrier.wait(timeout=10)
        return look(filled.app)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(look_at_once, range(2), timeout=30)) == [0, 1]
    assert len(runs_of_the_timer(filled)) == 1


def test_the_timer_finds_what_is_due_by_index(app: Flask) -> None:
    with services(app).engines.writing.connect() as connection:
        columns = Workspace.__table__.c
        due = select(columns.id).where(columns.auto_destroy_due_at <= datetime.now(UTC)).limit(200)
        compiled = due.compile(connection, compile_kwargs={"literal_binds": True})
        if connection.dialect.name == "sqlite":
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}").all()
        else:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            rows = connection.exec_driver_sql(f"EXPLAIN {compiled}").all()
    assert "ix_workspaces_auto_destroy_due_at" in str(rows)


def finish_apply(job: Job, serial: int) -> None:
    job.start()
    job.put_state(state(serial))
    job.finish(additions=1)


def test_a_new_state_takes_back_the_run_of_inactivity(filled: Runs) -> None:
    change(filled, auto_destroy_activity_duration="14d")
    filled.new(auto_apply=True)
    filled.agent.plan()
    applying = filled.agent.take()
    make_due(filled)
    assert look(filled.app) == 1
    finish_apply(applying, 60)
    (run,) = runs_of_the_timer(filled)
    assert filled.status(run.id) == "discarded"
    assert moment(shown(filled)["auto-destroy-at"]) > datetime.now(UTC) + timedelta(days=13)


def test_a_fixed_time_counts_whatever_happens(filled: Runs) -> None:
    filled.new(auto_apply=True)
    filled.agent.plan()
    applying = filled.agent.take()
    change(filled, auto_destroy_at="2026-01-01T00:00:00Z")
    assert look(filled.app) == 1
    finish_apply(applying, 60)
    (run,) = runs_of_the_timer(filled)
    assert filled.status(run.id) == "plan_queued"


@pytest.mark.parametrize("attributes", [{"auto_destroy_activity_duration": None}, {"allow_destroy_plan": False}])
def test_a_setting_takes_back_the_run_that_waits(filled: Runs, attributes: dict[str, Any]) -> None:
    change(filled, auto_destroy_activity_duration="14d")
    filled.api.post(f"/workspaces/{filled.workspace.id}/actions/lock", filled.owner.token, expect=200)
    make_due(filled)
    look(filled.app)
    change(filled, **attributes)
    (run,) = runs_of_the_timer(filled)
    assert filled.status(run.id) == "discarded"


def test_a_project_takes_back_the_runs_that_wait(filled: Runs) -> None:
    path = f"/projects/{filled.project.id}"
    filled.api.patch(path, filled.owner.token, document("projects", {"auto-destroy-activity-duration": "14d"}))
    filled.api.post(f"/workspaces/{filled.workspace.id}/actions/lock", filled.owner.token, expect=200)
    make_due(filled)
    look(filled.app)
    filled.api.patch(path, filled.owner.token, document("projects", {"auto-destroy-activity-duration": None}))
    (run,) = runs_of_the_timer(filled)
    assert filled.status(run.id) == "discarded"


def test_what_is_overdue_when_it_is_set_waits_a_day(filled: Runs) -> None:
    with services(filled.app).engines.writing.begin() as connection:
        connection.execute(update(Workspace).values(state_changed_at=datetime.now(UTC) - timedelta(days=20)))
    for duration, hours in (("14d", 24), ("2h", 2)):
        change(filled, auto_destroy_activity_duration=duration)
        left = moment(shown(filled)["auto-destroy-at"]) - datetime.now(UTC)
        assert timedelta(hours=hours) - timedelta(minutes=1) < left <= timedelta(hours=hours)
    elsewhere = filled.world.project(filled.organization, auto_destroy_activity_duration="1d")
    change(filled, auto_destroy_activity_duration=None)
    moved = document("workspaces", project=("projects", elsewhere.id))
    filled.api.patch(f"/workspaces/{filled.workspace.id}", filled.owner.token, moved)
    assert moment(shown(filled)["auto-destroy-at"]) > datetime.now(UTC) + timedelta(hours=23)
    assert look(filled.app) == 0


def test_the_same_setting_again_changes_nothing(filled: Runs) -> None:
    change(filled, auto_destroy_activity_duration="2d")
    make_due(filled)
    look(filled.app)
    (run,) = runs_of_the_timer(filled)
    filled.act(run.id, "cancel")
    change(filled, auto_destroy_activity_duration="2d", description="x")
    assert shown(filled)["auto-destroy-at"] is None


def test_a_time_that_passes_while_a_run_waits_does_not_come_back(filled: Runs) -> None:
    filled.api.post(f"/workspaces/{filled.workspace.id}/actions/lock", filled.owner.token, expect=200)
    make_due(filled)
    look(filled.app)
    with services(filled.app).engines.writing.begin() as connection:
        past = datetime.now(UTC) - timedelta(minutes=1)
        connection.execute(update(Workspace).values(own_auto_destroy_at=past, auto_destroy_due_at=past))
    assert look(filled.app) == 0
    (run,) = runs_of_the_timer(filled)
    filled.act(run.id, "discard")
    filled.api.post(f"/workspaces/{filled.workspace.id}/actions/unlock", filled.owner.token, expect=200)
    filled.new(auto_apply=True)
    filled.agent.plan()
    finish_apply(filled.agent.take(), 60)
    assert shown(filled)["auto-destroy-at"] is None
    assert look(filled.app) == 0


def test_whoever_may_not_apply_lets_nothing_apply(filled: Runs) -> None:
    team = filled.world.team(filled.organization)
    details = {"settings": "update", "runs": "read"}
    filled.world.access(team, filled.project, "custom", details)
    member = filled.world.member(filled.organization, team)
    sent = document("projects", {"auto-destroy-activity-duration": "1d"})
    refused = filled.api.patch(f"/projects/{filled.project.id}", member.token, sent, expect=403)
    assert refused["errors"][0]["source"]["pointer"] == "/data/attributes/auto-destroy-activity-duration"
    assert filled.world.all(Project)[-1].auto_destroy_activity_duration is None
