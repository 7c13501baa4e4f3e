"""What people are told about auto-destroy and assessments."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import update

from app.models import NotificationConfiguration, Workspace
from app.models.assessment_notices import TOLD
from app.models.auto_destroy_notices import REMINDER, RESULTS
from app.models.run_notifications import DELIVER
from app.persistence import now
from app.resources.runs.auto_destroy import timer
from app.services import services
from app.web.context import act_as_service
from app.worker.handlers import HANDLERS
from tests.support.api import document
from tests.support.background import do_due, tasks
from tests.support.runs import Runs
from tests.support.states import state


@pytest.fixture
def filled(runs: Runs) -> Runs:
    """The workspace has a state with a resource, and somebody wants to know all about it."""
    runs.new(auto_apply=True)
    runs.agent.plan()
    runs.agent.apply()
    place = {"organization_id": runs.organization.id, "workspace_id": runs.workspace.id}
    wanted = {"name": "ops", "enabled": True, "destination_type": "generic", "url": "https://hook.example.test"}
    runs.world.add(NotificationConfiguration(**place, **wanted, triggers=[REMINDER, RESULTS, *TOLD]))
    return runs


def told(runs: Runs) -> list[tuple[str, dict[str, Any]]]:
    """What waits to be delivered: the trigger and the details of each."""
    found = tasks(runs.app, kind=DELIVER)
    return [(task.payload["trigger"], task.payload["body"]["details"]) for task in found]


def look(runs: Runs) -> None:
    with runs.app.app_context():
        act_as_service()
        timer.look()


def set_due(runs: Runs, **after: float) -> None:
    with services(runs.app).engines.writing.begin() as connection:
        connection.execute(update(Workspace).values(auto_destroy_due_at=now() + timedelta(**after)))


def test_reminders_come_a_day_and_half_a_day_before(filled: Runs) -> None:
    set_due(filled, hours=25)
    look(filled)
    assert told(filled) == []
    set_due(filled, hours=23)
    look(filled)
    look(filled)
    [(trigger, details)] = told(filled)
    assert (trigger, details["trigger_type"], details["workspace_name"]) == (
        REMINDER,
        "reminder",
        filled.workspace.name,
    )
    shown = filled.api.get(f"/workspaces/{filled.workspace.id}", filled.owner.token)["data"]["attributes"]
    assert details["auto_destroy_at"] == shown["auto-destroy-at"]
    # Another time is another reminder, and what is due within half a day is told of once.
    set_due(filled, hours=11)
    look(filled)
    look(filled)
    assert len(told(filled)) == 2


def test_the_second_reminder_is_of_the_same_time(filled: Runs) -> None:
    set_due(filled, hours=13)
    look(filled)
    with services(filled.app).engines.writing.begin() as connection:
        soon = now() + timedelta(hours=11)
        connection.execute(update(Workspace).values(auto_destroy_due_at=soon, auto_destroy_reminded_of=soon))
    look(filled)
    look(filled)
    assert len(told(filled)) == 2


def test_the_end_of_the_run_is_told(filled: Runs) -> None:
    set_due(filled, seconds=-1)
    look(filled)
    assert told(filled) == []
    filled.agent.plan()
    job = filled.agent.take()
    job.start()
    job.put_state(state(50, resources=0))
    job.finish(destructions=1)
    [(trigger, details)] = told(filled)
    assert (trigger, details["trigger_type"], details["run_status"]) == (RESULTS, "results", "applied")
    assert details["run_external_id"].startswith("run-")


def test_what_can_not_begin_is_told_once(filled: Runs) -> None:
    sent = document("workspaces", {"allow-destroy-plan": False})
    filled.api.patch(f"/workspaces/{filled.workspace.id}", filled.owner.token, sent)
    for _ in range(2):
        set_due(filled, seconds=-1)
        look(filled)
    [(trigger, details)] = told(filled)
    assert (trigger, details["run_status"]) == (RESULTS, None), "nor is anybody reminded of what can't happen"
    assert "does not allow destroy plans" in details["run_create_error_message"]


def assess(app: Flask, runs: Runs, plan: dict[str, Any] | None) -> None:
    runs.api.post(f"/workspaces/{runs.workspace.id}/actions/assess", runs.owner.token, expect=200)
    job = runs.agent.take()
    job.start()
    if plan is not None:
        job.put("artifacts/plan-json", orjson.dumps(plan))
    job.finish("ok" if plan is not None else "failed")
    do_due(app, {kind: handler for kind, handler in HANDLERS.items() if kind != DELIVER})


def test_an_assessment_tells_what_is_new(app: Flask, filled: Runs) -> None:
    sent = document("workspaces", {"assessments-enabled": True})
    filled.api.patch(f"/workspaces/{filled.workspace.id}", filled.owner.token, sent)
    drift = {"mode": "managed", "change": {"actions": ["update"]}}
    assess(app, filled, {})
    assert told(filled) == []
    drifted = {"resource_drift": [drift], "checks": [{"status": "fail"}]}
    assess(app, filled, drifted)
    assert {trigger for trigger, _ in told(filled)} == {"assessment:drifted", "assessment:check_failure"}
    _, details = told(filled)[0]
    assert details["new_assessment_result"]["resources_drifted"] == 1
    assert details["prior_assessment_result"]["drifted"] is False
    # The same again is no news.
    assess(app, filled, drifted)
    assert len(told(filled)) == 2
    assess(app, filled, None)
    assert [trigger for trigger, _ in told(filled)[2:]] == ["assessment:failed"]
