"""Remote state consumers: who may read a workspace's state."""

from typing import Any

import pytest

from app.models import Organization, Project, RemoteStateConsumer, Workspace
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.personas import table
from tests.support.world import Person, World


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    """Where the workspaces are."""
    return world.project(acme)


@pytest.fixture
def workspaces(world: World, project: Project) -> list[Workspace]:
    """The workspace whose state is shared, and three others."""
    return [world.workspace(project, name) for name in ("shared", "a", "b", "c")]


def path(workspace: Workspace) -> str:
    return f"/workspaces/{workspace.id}/relationships/remote-state-consumers"


def sent(*workspaces: Workspace | str) -> Any:
    ids = [each if isinstance(each, str) else each.id for each in workspaces]
    return {"data": [{"type": "workspaces", "id": identifier} for identifier in ids]}


def names(answer: Any) -> list[str]:
    return [each["attributes"]["name"] for each in answer["data"]]


def test_consumers_are_added_replaced_and_removed(api: Api, owner: Person, workspaces: list[Workspace]) -> None:
    shared, a, b, c = workspaces
    assert names(api.get(path(shared), owner.token)) == []
    for _ in range(2):
        api.post(path(shared), owner.token, sent(b, a), expect=204)
        assert names(api.get(path(shared), owner.token)) == ["a", "b"]
    api.send("PATCH", path(shared), owner.token, sent(c, a), expect=204)
    assert names(api.get(path(shared), owner.token)) == ["a", "c"]
    api.delete(path(shared), owner.token, sent(a, b, "ws-unknown"))
    listed = api.get(f"{path(shared)}?page[size]=1", owner.token)
    assert names(listed) == ["c"]
    assert listed["meta"]["pagination"]["total-count"] == 1
    assert listed["data"][0] == api.get(f"/workspaces/{c.id}", owner.token)["data"]
    api.send("PATCH", path(shared), owner.token, sent(), expect=204)
    assert names(api.get(path(shared), owner.token)) == []


def test_a_deleted_consumer_is_none(api: Api, world: World, owner: Person, workspaces: list[Workspace]) -> None:
    shared, a, *_ = workspaces
    api.post(path(shared), owner.token, sent(a), expect=204)
    api.delete(f"/workspaces/{a.id}", owner.token)
    assert names(api.get(path(shared), owner.token)) == []
    assert world.all(RemoteStateConsumer) == []


def test_sharing_with_all_lists_all_others(
    api: Api, world: World, acme: Organization, owner: Person, workspaces: list[Workspace]
) -> None:
    shared, a, *_ = workspaces
    world.workspace(world.project(acme), "elsewhere")
    world.workspace(world.project(world.organization("other", owner=owner)), "foreign")
    api.post(path(shared), owner.token, sent(a), expect=204)
    workspace = f"/workspaces/{shared.id}"
    api.patch(workspace, owner.token, document("workspaces", {"global-remote-state": True}))
    assert names(api.get(path(shared), owner.token)) == ["a", "b", "c", "elsewhere"]
    assert names(api.get(f"{path(shared)}?show_only_configured=true", owner.token)) == ["a"]
    for method in ("POST", "PATCH"):
        answer = api.send(method, path(shared), owner.token, sent(a), expect=422)
        assert "global remote state" in faults(answer)[0][0]
    change = {"global-remote-state": False, "project-remote-state": True}
    api.patch(workspace, owner.token, document("workspaces", change))
    assert names(api.get(path(shared), owner.token)) == ["a", "b", "c"]


def test_what_can_be_no_consumer_is_refused(api: Api, world: World, owner: Person, workspaces: list[Workspace]) -> None:
    shared, a, *_ = workspaces
    foreign = world.workspace(world.project(world.organization("other", owner=owner)))
    for method in ("POST", "PATCH"):
        answer = api.send(method, path(shared), owner.token, sent(a, shared), expect=422)
        assert faults(answer) == [("A workspace can't be a remote state consumer of itself", "/data/1/id")]
        for unknown in ("ws-unknown", foreign):
            api.send(method, path(shared), owner.token, sent(a, unknown), expect=404)
        api.send(method, path(shared), owner.token, {"data": [{"type": "teams", "id": a.id}]}, expect=422)
        api.send(method, path(shared), owner.token, {"data": {}}, expect=422)
    assert world.all(RemoteStateConsumer) == []


RIGHTS = table("""
                  | list add replace remove
admin             | 200  204 404     204
maintain          | 200  204 404     204
write             | 404  404 404     404
read              | 404  404 404     404
manage-workspaces | 200  204 204     204
read-workspaces   | 404  404 404     404
none              | 404  404 404     404
""")
METHODS = {"list": "GET", "add": "POST", "replace": "PATCH", "remove": "DELETE"}


@pytest.mark.one_database
@pytest.mark.parametrize(("who", "what", "status"), RIGHTS)
def test_sharing_needs_the_right(
    api: Api,
    world: World,
    acme: Organization,
    project: Project,
    workspaces: list[Workspace],
    *,
    who: str,
    what: str,
    status: str,
) -> None:
    team = world.team(acme, *([who] if "-" in who else []))
    if "-" not in who and who != "none":
        world.access(team, project, who)
    token = world.member(acme, team).token
    body = None if what == "list" else sent(workspaces[1])
    api.send(METHODS[what], path(workspaces[0]), token, body, expect=int(status))


def test_a_consumer_that_the_caller_can_not_see_is_not_added(
    api: Api, world: World, acme: Organization, project: Project, workspaces: list[Workspace]
) -> None:
    team = world.team(acme)
    world.access(team, project, "admin")
    token = world.member(acme, team).token
    hidden = world.workspace(world.project(acme))
    api.post(path(workspaces[0]), token, sent(workspaces[1], hidden), expect=404)
    assert world.all(RemoteStateConsumer) == []


def test_sharing_leaves_events(api: Api, world: World, owner: Person, workspaces: list[Workspace]) -> None:
    shared, a, b, _ = workspaces
    api.post(path(shared), owner.token, sent(a), expect=204)
    api.post(path(shared), owner.token, sent(a), expect=204)
    api.post(path(shared), owner.token, sent(b), expect=204)
    api.delete(path(shared), owner.token, sent(a))
    assert [(event.action, event.changes) for event in left_by_requests(world)] == [
        ("workspaces.update", {"remote-state-consumers": [[], [a.id]]}),
        # Not all, who can be many, but those that are meant.
        ("workspaces.update", {"remote-state-consumers": [[], [b.id]]}),
        ("workspaces.update", {"remote-state-consumers": [[a.id], []]}),
    ]
