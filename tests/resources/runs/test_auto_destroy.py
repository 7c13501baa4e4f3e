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
from app.models.runs import Run
from app.models.service_marks import ServiceMark
from app.models.workspaces import Workspace
from app.resources.runs.auto_destroy import hold, timer
from app.services import services
from app.web.context import act_as_service
from tests.support.api import document
from tests.support.runs import Runs
from tests.support.states import state


def look(app: Flask) -> int:
    """What the timer does when it looks; how many runs were created."""
    with app.app_context():
        act_as_service()
        return timer.look()


@pytest.fixture
def filled(runs: Runs) -> Runs:
    """The workspace has a state with a resource."""
    run_id = runs.new(auto_apply=True)
    runs.agent.plan()
    runs.agent.apply()
    assert runs.status(run_id) == "applied"
    return runs


def change(runs: Runs, **attributes: Any) -> Any:
    sent = document("workspaces", {name.replace("_", "-"): value for name, value in attributes.items()})
    return runs.api.patch(f"/workspaces/{runs.workspace.id}", runs.owner.token, sent)["data"]["attributes"]


def shown(runs: Runs) -> Any:
    return runs.api.get(f"/workspaces/{runs.workspace.id}", runs.owner.token)["data"]["attributes"]


def make_due(runs: Runs, hours: float = 0.1) -> None:
    """Move the time of the workspace so many hours into the past."""
    with services(runs.app).engines.writing.begin() as connection:
        connection.execute(update(Workspace).values(auto_destroy_due_at=datetime.now(UTC) - timedelta(hours=hours)))


def moment(text: str | None) -> datetime:
    assert text is not None
    return datetime.fromisoformat(text)


def runs_of_the_timer(runs: Runs) -> list[Run]:
    return [run for run in runs.world.all(Run) if run.trigger_reason == "auto_destroy"]


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


class TestAfterARestore:
    """Nothing is destroyed until somebody says so."""

    def restore(self, runs: Runs, number: int = 0, hours: float = 1) -> None:
        hold.note(services(runs.app).settings.home, 1)
        with services(runs.app).engines.writing.begin() as connection:
            connection.execute(update(ServiceMark).values(number=number, at=datetime.now(UTC) - timedelta(hours=hours)))

    def test_an_older_database_is_held(self, filled: Runs) -> None:
        look(filled.app)
        look(filled.app)
        self.restore(filled)
        make_due(filled)
        assert look(filled.app) == 0
        assert shown(filled)["auto-destroy-status"] == "held"
        assert look(filled.app) == 0, "until somebody says so"
        told = filled.app.test_cli_runner().invoke(args=["auto-destroy", "status"])
        assert "held back since" in told.output
        assert "1 workspace" in told.output
        assert filled.app.test_cli_runner().invoke(args=["auto-destroy", "resume"]).exit_code == 0
        assert look(filled.app) == 1

    def test_a_database_on_a_new_host_is_held(self, filled: Runs) -> None:
        look(filled.app)
        self.restore(filled, number=1)
        (services(filled.app).settings.home / hold.FILE).unlink()
        make_due(filled)
        assert look(filled.app) == 0

    def test_a_service_that_was_away_for_long_is_held(self, filled: Runs) -> None:
        look(filled.app)
        self.restore(filled, number=1, hours=25)
        make_due(filled)
        assert look(filled.app) == 0

    def test_a_restart_and_a_second_host_are_not(self, filled: Runs) -> None:
        look(filled.app)
        self.restore(filled, number=1, hours=3)
        make_due(filled)
        assert look(filled.app) == 1
        (services(filled.app).settings.home / hold.FILE).unlink()
        make_due(filled)
        look(filled.app)
        assert shown(filled)["auto-destroy-status"] != "held"


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
