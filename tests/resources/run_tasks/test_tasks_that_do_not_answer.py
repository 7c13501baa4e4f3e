"""Run tasks that can't be reached, take too long, or are gone; and runs that wait for nobody."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from app.models import TaskResult
from app.models.background_tasks import BackgroundTask
from app.models.run_task_parts import EXPIRE, REQUEST, SILENCE
from app.persistence import now
from app.services import services
from app.worker.handlers import HANDLERS
from app.worker.performing import perform
from tests.support.api import Api
from tests.support.background import do_due, take, tasks
from tests.support.receivers import Receiver, hang, hostile
from tests.support.run_tasks import answer, ask, let_time_pass
from tests.support.runs import Runs
from tests.support.statement_costs import Statements
from tests.support.world import World


def let_silence_pass(app: Flask) -> None:
    """Let the last signs of life be as long ago as may be."""
    with services(app).engines.writing.begin() as connection:
        connection.execute(update(TaskResult).values(updated_at=now() - SILENCE))


@pytest.mark.one_database
def test_a_task_that_can_not_be_reached_is_asked_again_and_then_given_up(
    app: Flask, runs: Runs, receiver: Receiver
) -> None:
    ask(app, runs, receiver, "post_plan")
    run_id = runs.new()
    runs.agent.plan()
    receiver.statuses = [500, 404, 302, 503]
    for _ in range(4):
        do_due(app)
        assert runs.status(run_id) == (
            "post_plan_running" if len(receiver.requests) < 4 else "post_plan_awaiting_decision"
        )
        let_time_pass(app, REQUEST)
    assert len({each.headers["x-groundplan-delivery"] for each in receiver.requests}) == 1
    assert len({each.json["access_token"] for each in receiver.requests}) == 1
    [result] = runs.world.all(TaskResult)
    assert (result.status, result.message) == (
        "unreachable",
        "The run task could not be reached: it answered 503 instead of 200",
    )
    assert tasks(app) == []


@pytest.mark.one_database
def test_a_task_that_hangs_is_left(app: Flask, runs: Runs, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.resources.runs.task_results.background.SECONDS", 0.2)
    with hostile(hang) as url:
        ask(app, runs, receiver, "pre_plan", url=url)
        runs.new()
        do_due(app)
    [waiting] = tasks(app, kind=REQUEST)
    assert (waiting.attempts, waiting.last_error) == (1, "the host did not answer within 0.2 seconds")


@pytest.mark.one_database
def test_an_address_within_is_not_asked(app: Flask, runs: Runs, receiver: Receiver) -> None:
    ask(app, runs, receiver, "post_plan", url=receiver.url.replace("127.0.0.1", "127.0.0.2"))
    run_id = runs.new()
    runs.agent.plan()
    do_due(app)
    assert receiver.requests == []
    assert runs.status(run_id) == "post_plan_awaiting_decision"
    assert "no public address" in runs.world.all(TaskResult)[0].message


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("silence", "The run task gave no sign for 10 minutes"),
        ("limit", "The run task did not finish within 60 minutes"),
    ],
)
def test_a_task_that_takes_too_long_has_said_no(
    app: Flask, api: Api, runs: Runs, receiver: Receiver, reason: str, message: str
) -> None:
    ask(app, runs, receiver, "post_plan")
    run_id = runs.new()
    runs.agent.plan()
    do_due(app)
    waiting = {each.payload["reason"]: each for each in tasks(app, kind=EXPIRE)}
    assert set(waiting) == {"silence", "limit"}
    begun = waiting["limit"].created_at
    minutes = {name: round((each.run_at - begun).total_seconds() / 60) for name, each in waiting.items()}
    assert minutes == {"silence": 10, "limit": 60}
    answer(api, receiver.requests[0].json, "running")
    renewed = next(each for each in tasks(app, kind=EXPIRE) if each.payload["reason"] == "silence")
    assert renewed.run_at > waiting["silence"].run_at, "a sign of life is waited for anew"
    let_silence_pass(app)
    let_time_pass(app, EXPIRE, waiting[reason].key)
    do_due(app)
    [result] = runs.world.all(TaskResult)
    assert (result.status, result.message) == ("errored", message)
    assert runs.status(run_id) == "post_plan_awaiting_decision"
    answer(api, receiver.requests[0].json, "passed", expect=409)
    assert tasks(app) == []


@pytest.mark.one_database
def test_a_sign_that_comes_while_silence_is_stated_counts(app: Flask, api: Api, runs: Runs, receiver: Receiver) -> None:
    ask(app, runs, receiver, "pre_plan")
    run_id = runs.new()
    do_due(app)
    let_silence_pass(app)
    [silence] = [each for each in tasks(app, kind=EXPIRE) if each.payload["reason"] == "silence"]
    let_time_pass(app, EXPIRE, silence.key)
    # A worker has it already.
    [claimed] = take(app, HANDLERS)
    answer(api, receiver.requests[0].json, "running")
    perform(app, HANDLERS[EXPIRE], claimed)
    assert runs.status(run_id) == "pre_plan_running"
    [waiting] = [each for each in tasks(app, kind=EXPIRE) if each.payload["reason"] == "silence"]
    assert (waiting.lease_until, waiting.run_at > now() + timedelta(minutes=9)) == (None, True)
    let_silence_pass(app)
    let_time_pass(app, EXPIRE, silence.key)
    do_due(app)
    assert runs.status(run_id) == "errored"


@pytest.mark.one_database
@pytest.mark.parametrize("reason", ["silence", "limit"])
def test_after_an_outage_of_the_workers_a_task_has_some_time_again(
    app: Flask, runs: Runs, receiver: Receiver, reason: str
) -> None:
    ask(app, runs, receiver, "pre_plan")
    run_id = runs.new()
    do_due(app)
    let_silence_pass(app)
    [late] = [each for each in tasks(app, kind=EXPIRE) if each.payload["reason"] == reason]
    due = {"run_at": now() - timedelta(hours=1), "payload": late.payload | {"due": f"{now() - timedelta(hours=1)}"}}
    with services(app).engines.writing.begin() as connection:
        connection.execute(update(BackgroundTask).where(BackgroundTask.__table__.c.id == late.id).values(due))
    do_due(app)
    assert runs.status(run_id) == "pre_plan_running"
    let_time_pass(app, EXPIRE, late.key)
    do_due(app)
    assert runs.status(run_id) == "errored", "once alone"


@pytest.mark.one_database
def test_a_canceled_run_waits_for_nobody(app: Flask, api: Api, runs: Runs, receiver: Receiver) -> None:
    ask(app, runs, receiver, "post_plan", "pre_apply")
    run_id = runs.new()
    runs.agent.plan()
    do_due(app)
    runs.act(run_id, "cancel")
    statuses = [each.status for each in runs.world.all(TaskResult)]
    assert (runs.status(run_id), statuses) == ("canceled", ["canceled", "canceled"])
    answer(api, receiver.requests[0].json, "passed", expect=409)
    assert tasks(app) == []


@pytest.mark.one_database
def test_a_task_that_was_deleted_meanwhile_says_no(app: Flask, api: Api, runs: Runs, receiver: Receiver) -> None:
    task = ask(app, runs, receiver, "post_plan")
    run_id = runs.new()
    api.delete(f"/tasks/{task.id}", runs.owner.token)
    runs.agent.plan()
    do_due(app)
    assert receiver.requests == []
    [result] = runs.world.all(TaskResult)
    assert (result.status, result.task_name) == ("unreachable", "task-0")
    assert runs.status(run_id) == "post_plan_awaiting_decision"


@pytest.mark.one_database
def test_an_answer_that_comes_before_the_request_ends_counts(
    app: Flask, api: Api, runs: Runs, receiver: Receiver, world: World
) -> None:
    ask(app, runs, receiver, "pre_plan")
    run_id = runs.new()
    do_due(app)
    answer(api, receiver.requests[0].json, "passed")
    assert runs.status(run_id) == "plan_queued"
    assert world.all(BackgroundTask) == []


@pytest.mark.one_database
def test_a_run_without_tasks_costs_nothing_more(runs: Runs, statements: Statements) -> None:
    runs.new(plan_only=True)
    with statements() as sent:
        runs.new(plan_only=True)
    asked = [each for each in sent if "run_tasks" in each]
    assert len(asked) == 1
