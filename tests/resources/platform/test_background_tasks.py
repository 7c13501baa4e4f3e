"""Administrators of the site see background tasks, have them tried again and give them up."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app.models import ActivityEvent
from app.models.background_tasks import DueTask, PermanentError, schedule
from app.persistence import now
from app.services import services
from app.worker.claims import ensure_periodic
from app.worker.handling import Handler
from tests.support.activity import left_by_requests
from tests.support.api import Api
from tests.support.background import committing, do_due, take, tasks
from tests.support.statement_costs import Statements, cost
from tests.support.world import Person, World

PATH = "/admin/background-tasks"


@pytest.fixture
def admin(world: World) -> Person:
    return world.person("admin", site_role="admin")


def refuse(_task: DueTask) -> None:
    raise PermanentError("The receiver refuses it")


KNOWN = {"refused": Handler(perform=refuse), "later": Handler(perform=lambda _task: None)}


def kinds(answer: dict[str, Any]) -> list[str]:
    return [each["attributes"]["kind"] for each in answer["data"]]


def make_three(app: Flask) -> None:
    """One of each status."""
    with committing(app) as session:
        schedule(session, "refused", {"secret": "s"})
    do_due(app, KNOWN)
    with committing(app) as session:
        schedule(session, "later", {}, lane="l")
    assert len(take(app, KNOWN)) == 1
    with committing(app) as session:
        schedule(session, "later", {}, key="k", run_at=now() + timedelta(hours=1))


def test_the_list_with_its_counts(app: Flask, api: Api, admin: Person) -> None:
    make_three(app)
    answer = api.get(PATH, admin.token)
    assert kinds(answer) == ["refused", "later", "later"]
    assert [each["attributes"]["status"] for each in answer["data"]] == ["dead", "running", "waiting"]
    assert answer["meta"]["counts"] == {"waiting": 1, "running": 1, "dead": 1}
    for query, expected in (
        ("filter[status]=dead", ["refused"]),
        ("filter[status]=running,waiting", ["later", "later"]),
        ("filter[kind]=later&sort=-run-at&page[size]=1", ["later"]),
    ):
        answer = api.get(f"{PATH}?{query}", admin.token)
        assert kinds(answer) == expected
        assert sum(answer["meta"]["counts"].values()) == 3
    assert api.get(f"{PATH}?filter[of]=a", admin.token, expect=400)["errors"][0]["source"]["parameter"] == "filter[of]"


@pytest.mark.one_database
def test_the_whole_document(app: Flask, api: Api, admin: Person) -> None:
    make_three(app)
    dead = tasks(app, status="dead")[0]
    shown = api.get(f"{PATH}/{dead.id}", admin.token)["data"]
    for name in ("run-at", "created-at"):
        assert shown["attributes"].pop(name).endswith("Z")
    # What it is to be done with is not shown.
    assert shown == {
        "id": dead.id,
        "type": "background-tasks",
        "attributes": {
            "kind": "refused",
            "key": None,
            "lane": None,
            "status": "dead",
            "attempts": 1,
            "last-error": "The receiver refuses it",
            "lease-until": None,
            "owner": None,
            "every-seconds": None,
        },
        "links": {"self": f"/api/v2{PATH}/{dead.id}"},
    }


def test_a_dead_task_is_tried_again(app: Flask, api: Api, world: World, admin: Person) -> None:
    make_three(app)
    dead = tasks(app, status="dead")[0]
    shown = api.post(f"{PATH}/{dead.id}/actions/retry", admin.token, expect=200)["data"]["attributes"]
    assert (shown["status"], shown["attempts"], shown["last-error"]) == ("waiting", 0, "The receiver refuses it")
    [event] = [each for each in left_by_requests(world) if each.action == "background-tasks.retry"]
    assert event.changes == {"status": ["dead", "waiting"], "attempts": [1, 0]}
    do_due(app, {"refused": Handler(perform=lambda _task: None)})
    api.get(f"{PATH}/{dead.id}", admin.token, expect=404)


def test_what_waits_can_be_had_at_once_but_not_what_runs(app: Flask, api: Api, admin: Person) -> None:
    make_three(app)
    waiting, running = tasks(app, key="k")[0], tasks(app, lane="l")[0]
    api.post(f"{PATH}/{waiting.id}/actions/retry", admin.token, expect=200)
    assert [each.task.id for each in take(app, KNOWN)] == [waiting.id]
    for task in (waiting, running):
        answer = api.post(f"{PATH}/{task.id}/actions/retry", admin.token, expect=409)
        assert answer["errors"][0]["code"] == "background-task-running"


def test_giving_up(app: Flask, api: Api, world: World, admin: Person) -> None:
    make_three(app)
    for task in tasks(app):
        api.delete(f"{PATH}/{task.id}", admin.token)
    assert tasks(app) == []
    actions = [each.action for each in left_by_requests(world)]
    assert actions.count("background-tasks.delete") == 3
    with services(app).engines.writing.begin() as connection:
        ensure_periodic(connection, {"later": 60})
    [periodic] = tasks(app)
    answer = api.delete(f"{PATH}/{periodic.id}", admin.token, expect=409)
    assert answer["errors"][0]["code"] == "background-task-periodic"


@pytest.mark.one_database
def test_only_administrators_of_the_site(app: Flask, api: Api, world: World) -> None:
    make_three(app)
    owner = world.owner(world.organization("acme"))
    task = tasks(app)[0]
    api.get(PATH, owner.token, expect=404)
    api.get(f"{PATH}/{task.id}", owner.token, expect=404)
    api.post(f"{PATH}/{task.id}/actions/retry", owner.token, expect=404)
    api.delete(f"{PATH}/{task.id}", owner.token, expect=404)
    assert tasks(app)[0] == task


def test_the_number_of_statements(app: Flask, api: Api, admin: Person, statements: Statements) -> None:
    make_three(app)
    # The first request of a token also notes that it was used.
    api.get(PATH, admin.token)
    few = cost(statements, api, admin.token, ("GET", PATH, None))
    with committing(app) as session:
        for _ in range(10):
            schedule(session, "later", {})
    assert cost(statements, api, admin.token, ("GET", PATH, None)) == few == 3


def test_commands_show_them_and_have_them_tried_again(app: Flask, world: World) -> None:
    make_three(app)
    dead, running = tasks(app, status="dead")[0], tasks(app, lane="l")[0]

    def run(*arguments: str, fails: int = 0) -> str:
        with app.app_context():
            result = app.test_cli_runner().invoke(args=arguments)
        assert result.exit_code == fails, result.output
        return result.output

    lines = run("background-tasks").splitlines()
    assert lines[0].startswith(f"{dead.id}\trefused\tdead\t1\t")
    assert lines[0].endswith("\tThe receiver refuses it")
    assert lines[3] == "1 waiting, 1 running, 1 dead"
    assert run("background-tasks", "--kind", "later", "--status", "running").splitlines()[1] == (
        "0 waiting, 1 running, 0 dead"
    )
    assert "no background task work-1" in run("retry-background-tasks", "work-1", fails=1)
    assert "A worker does this just now" in run("retry-background-tasks", running.id, fails=1)
    run("retry-background-tasks", fails=2)
    assert run("retry-background-tasks", "--dead") == "1 will be tried now.\n"
    assert tasks(app, id=dead.id)[0].status == "waiting"
    assert [each.actor_type for each in world.all(ActivityEvent) if each.action == "background-tasks.retry"] == [
        "commands"
    ]
