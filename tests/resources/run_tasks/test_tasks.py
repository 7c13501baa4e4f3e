"""Run tasks of organizations, and which workspaces ask them."""

import hashlib
import hmac
from typing import Any

import pytest
from flask import Flask

from app.models import ActivityEvent, Organization, Project, RunTask, Workspace, WorkspaceTask
from app.services import services
from tests.support.api import Api, document, faults
from tests.support.receivers import Receiver
from tests.support.statement_costs import Statements, cost
from tests.support.world import Person, World

pytestmark = pytest.mark.one_database

URL = "https://task.example.test/x"
KEY = "a secret of the task"
PATH = "/organizations/acme/tasks"


def sent(**attributes: Any) -> dict[str, Any]:
    given = {"name": "costs", "url": URL, "category": "task", "enabled": False, **attributes}
    return document("tasks", {name.replace("_", "-"): each for name, each in given.items()})


def make(api: Api, owner: Person, **attributes: Any) -> Any:
    return api.post(PATH, owner.token, sent(**attributes))["data"]


@pytest.mark.one_database("postgresql")
def test_a_task_is_made_shown_changed_and_deleted(
    app: Flask, api: Api, world: World, acme: Organization, owner: Person
) -> None:
    made = make(api, owner, hmac_key=KEY, description="Counts")
    its = f"/tasks/{made['id']}"
    times = {name: made["attributes"].pop(name) for name in ("created-at", "updated-at")}
    assert made["attributes"] == {
        "name": "costs",
        "url": URL,
        "category": "task",
        "description": "Counts",
        "hmac-key": None,
        "enabled": False,
        "global-configuration": {"enabled": False, "stages": [], "enforcement-level": "advisory"},
    }
    assert made["relationships"] == {
        "organization": {
            "data": {"id": acme.name, "type": "organizations"},
            "links": {"related": f"/api/v2/organizations/{acme.name}"},
        },
        "workspace-tasks": {"data": []},
        "agent-pool": {"data": None},
    }
    shown = api.get(its, owner.token)["data"]
    assert shown["attributes"] == {**made["attributes"], **times}
    assert api.get(PATH, owner.token)["data"] == [shown]
    [stored] = world.all(RunTask)
    assert services(app).keyring.unseal(stored.sealed_hmac_key).decode() == KEY
    everywhere = {"enabled": True, "stages": ["post_apply", "pre_plan"], "enforcement-level": "mandatory"}
    changed = api.patch(its, owner.token, document("tasks", {"name": "money", "global-configuration": everywhere}))
    assert changed["data"]["attributes"]["global-configuration"] == {**everywhere, "stages": ["pre_plan", "post_apply"]}
    api.delete(its, owner.token)
    api.get(its, owner.token, expect=404)
    events = [each for each in world.all(ActivityEvent) if each.action.startswith("tasks.")]
    assert [each.action for each in events] == ["tasks.create", "tasks.update", "tasks.delete"]
    assert (events[0].changes["url"], events[0].changes["hmac-key"]) == ([None, "(hidden)"], [None, "(hidden)"])


@pytest.mark.parametrize(
    ("attributes", "detail", "pointer"),
    [
        ({"name": ""}, "Name can't be blank", "attributes/name"),
        ({"name": "a/b"}, "Name can have only letters", "attributes/name"),
        ({"name": "TAKEN"}, "Name has already been taken", "attributes/name"),
        ({"url": "ftp://x"}, "Url must begin with http", "attributes/url"),
        ({"category": "policy"}, "Category is not included in the list", "attributes/category"),
        ({"hmac-key": "x" * 1025}, "Hmac key is too long", "attributes/hmac-key"),
        ({"global-configuration": []}, "Global configuration must be an object", "attributes/global-configuration"),
        (
            {"global-configuration": {"stages": ["at_night"]}},
            "Global configuration must be an array of some of pre_plan",
            "attributes/global-configuration",
        ),
        (
            {"global-configuration": {"enforcement-level": "hard"}},
            "Global configuration must have advisory or mandatory",
            "attributes/global-configuration",
        ),
    ],
)
def test_bad_ones_are_refused(
    api: Api, acme: Organization, owner: Person, attributes: dict[str, Any], detail: str, pointer: str
) -> None:
    assert acme.name == "acme"
    make(api, owner, name="taken")
    [(said, where)] = faults(api.post(PATH, owner.token, sent(**attributes), expect=422))
    assert (said[: len(detail)], where) == (detail, f"/data/{pointer}")


def test_the_service_itself_sends_the_requests(api: Api, world: World, acme: Organization, owner: Person) -> None:
    asked = sent()
    asked["data"]["relationships"] = {"agent-pool": {"data": {"type": "agent-pools", "id": world.pool(acme).id}}}
    [(said, where)] = faults(api.post(PATH, owner.token, asked, expect=422))
    assert (said, where) == (
        "Agent pool can't be set: the service itself sends the requests",
        "/data/relationships/agent-pool",
    )


def test_there_is_an_end_to_them(
    api: Api, world: World, acme: Organization, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.resources.run_tasks.tasks.service.MAXIMUM", 1)
    monkeypatch.setattr("app.resources.run_tasks.workspace_tasks.service.MAXIMUM", 0)
    task = make(api, owner)
    assert api.post(PATH, owner.token, sent(name="b"), expect=422)["errors"][0]["code"] == "too-many-run-tasks"
    path = f"/workspaces/{world.workspace(world.project(acme)).id}/tasks"
    refused = api.post(path, owner.token, link(task["id"]), expect=422)
    assert refused["errors"][0]["code"] == "too-many-workspace-tasks"


def test_an_enabled_one_is_verified_and_signed(
    api: Api, world: World, acme: Organization, owner: Person, receiver: Receiver
) -> None:
    receiver.statuses = [404]
    [fault] = api.post(PATH, owner.token, sent(url=receiver.url, enabled=True), expect=422)["errors"]
    assert (fault["code"], fault["source"]["pointer"]) == ("run-task-not-reached", "/data/attributes/url")
    assert world.all(RunTask) == []
    made = make(api, owner, url=receiver.url, enabled=True, hmac_key=KEY)
    request = receiver.requests[-1]
    signature = hmac.new(KEY.encode(), request.body, hashlib.sha512).hexdigest()
    assert request.headers["x-tfc-task-signature"] == signature
    assert (request.json["access_token"], request.json["stage"]) == ("test-token", "test")
    assert (request.json["organization_name"], request.json["task_result_callback_url"]) == (acme.name, None)
    its = f"/tasks/{made['id']}"
    api.patch(its, owner.token, document("tasks", {"name": "other"}))
    assert len(receiver.requests) == 2
    within = document("tasks", {"url": receiver.url.replace("127.0.0.1", "127.0.0.2")})
    [(said, _)] = faults(api.patch(its, owner.token, within, expect=422))
    assert "the host has no public address" in said


# --- those of workspaces


def link(task_id: str, **attributes: Any) -> dict[str, Any]:
    given = {"enforcement-level": "mandatory", **{name.replace("_", "-"): each for name, each in attributes.items()}}
    return document("workspace-tasks", given, task=("tasks", task_id))


@pytest.fixture
def workspace(world: World, project: Project) -> Workspace:
    return world.workspace(project)


def test_a_workspace_asks_a_task(api: Api, world: World, owner: Person, workspace: Workspace) -> None:
    task = make(api, owner)
    path = f"/workspaces/{workspace.id}/tasks"
    made = api.post(path, owner.token, link(task["id"], stages=["pre_apply", "post_plan"]))["data"]
    attributes = {name: each for name, each in made["attributes"].items() if not name.endswith("-at")}
    assert attributes == {
        "enforcement-level": "mandatory",
        "stage": "post_plan",
        "stages": ["post_plan", "pre_apply"],
    }
    assert made["relationships"]["task"]["data"] == {"id": task["id"], "type": "tasks"}
    assert made["links"] == {"self": f"/api/v2{path}/{made['id']}"}
    assert api.get(path, owner.token)["data"] == [made]
    assert api.get(f"{path}/{made['id']}", owner.token)["data"] == made
    assert api.get(f"/tasks/{task['id']}/relationships/workspace-tasks", owner.token)["data"] == [made]
    shown = api.get(f"/tasks/{task['id']}", owner.token)["data"]["relationships"]["workspace-tasks"]["data"]
    assert shown == [{"id": made["id"], "type": "workspace-tasks"}]
    for included, types in (("workspace_tasks", {"workspace-tasks"}), ("workspace_tasks.workspace", None)):
        for address in (f"/tasks/{task['id']}", PATH):
            found = api.get(f"{address}?include={included}", owner.token)["included"]
            assert {each["type"] for each in found} == (types or {"workspace-tasks", "workspaces"})
    assert faults(api.post(path, owner.token, link(task["id"]), expect=422)) == [
        ("Task has already been taken", "/data/relationships/task")
    ]
    older = document("workspace-tasks", {"stage": "pre_plan", "enforcement-level": "advisory"})
    changed = api.patch(f"{path}/{made['id']}", owner.token, older)["data"]["attributes"]
    assert (changed["stages"], changed["enforcement-level"]) == (["pre_plan"], "advisory")
    other = world.workspace(world.default_project(world.all(Organization)[0]))
    api.get(f"/workspaces/{other.id}/tasks/{made['id']}", owner.token, expect=404)
    api.delete(f"/workspaces/{other.id}/tasks/{made['id']}", owner.token, expect=404)
    api.delete(f"{path}/{made['id']}", owner.token)
    assert api.get(path, owner.token)["data"] == []
    actions = [each.action for each in world.all(ActivityEvent) if each.action.startswith("workspace-tasks.")]
    assert actions == [f"workspace-tasks.{verb}" for verb in ("create", "update", "delete")]


def test_bad_links_are_refused(api: Api, world: World, owner: Person, workspace: Workspace) -> None:
    task = make(api, owner)
    path = f"/workspaces/{workspace.id}/tasks"
    stranger = world.add(RunTask(organization_id=world.organization().id, name="x", url=URL))

    def refused(sent: dict[str, Any]) -> list[tuple[str, str]]:
        return [(said, where) for said, where in faults(api.post(path, owner.token, sent, expect=422))]

    foreign = ("Task must be a run task of the workspace's organization", "/data/relationships/task")
    assert refused(link(stranger.id)) == [foreign]
    assert refused(link("task-none")) == [foreign]
    assert refused(document("workspace-tasks", {"enforcement-level": "mandatory"})) == [
        ("Task can't be blank", "/data/relationships/task")
    ]
    [(said, where)] = refused(link(task["id"], stages=[]))
    assert (said, where) == (
        "Stages must be an array of some of pre_plan, post_plan, pre_apply, post_apply",
        "/data/attributes/stages",
    )


def test_who_manages_which(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, workspace: Workspace
) -> None:
    task = make(api, owner)
    path = f"/workspaces/{workspace.id}/tasks"

    def teamed(*flags: str, access: str | None = None, **details: Any) -> str:
        granted = world.team(acme, *flags)
        if access:
            world.access(granted, project, access, details or None)
        return world.member(acme, granted).token

    manager = teamed("manage-run-tasks")
    for token, reads, manages in (
        (owner.token, True, True),
        (manager, True, True),
        (world.token(acme), True, True),
        (world.member(acme).token, True, False),
        (world.person().token, False, False),
    ):
        api.get(PATH, token, expect=200 if reads else 404)
        api.get(f"/tasks/{task['id']}", token, expect=200 if reads else 404)
        api.patch(f"/tasks/{task['id']}", token, document("tasks", {"name": "n"}), expect=200 if manages else 404)
        api.post(PATH, token, sent(name=f"x{len(world.all(RunTask))}"), expect=201 if manages else 404)
        if not manages:
            api.delete(f"/tasks/{task['id']}", token, expect=404)
    for token, reads, manages in (
        (teamed(access="admin"), True, True),
        (teamed(access="custom", **{"run-tasks": True}), True, True),
        (teamed(access="write"), True, False),
        (manager, False, False),
    ):
        api.get(path, token, expect=200 if reads else 404)
        made = api.post(path, token, link(task["id"]), expect=201 if manages else 404)
        if manages:
            api.delete(f"{path}/{made['data']['id']}", token)
    made = world.add(
        WorkspaceTask(organization_id=acme.id, workspace_id=workspace.id, task_id=task["id"], stages=["post_plan"])
    )
    seen = api.get(f"/tasks/{task['id']}", manager)["data"]["relationships"]["workspace-tasks"]["data"]
    assert seen == [], f"who does not see the workspace does not see {made.id}"
    assert api.get(f"/tasks/{task['id']}/relationships/workspace-tasks", manager)["data"] == []


def test_a_list_costs_the_same_for_many(
    api: Api, world: World, acme: Organization, owner: Person, workspace: Workspace, statements: Statements
) -> None:
    costs = []
    for number in range(3):
        costs.append(
            [
                cost(statements, api, owner.token, ("GET", path, None))
                for path in (PATH, f"/workspaces/{workspace.id}/tasks")
            ]
        )
        task = world.add(RunTask(organization_id=acme.id, name=f"t{number}", url=URL))
        world.add(
            WorkspaceTask(organization_id=acme.id, workspace_id=workspace.id, task_id=task.id, stages=["pre_plan"])
        )
    assert costs[1] == costs[2]
    assert costs[2] == [3, 3]
