"""Deleting workspaces: safely, by force; what stands in the way."""

import pytest

from app.models import Organization, Workspace
from tests.support.activity import left_by_requests
from tests.support.api import Api
from tests.support.world import Person, World

BY_ID = "/workspaces/{id}"
BY_NAME = "/organizations/acme/workspaces/network"

LOCKED = "Workspace is currently locked. Workspace must be unlocked before it can be safely deleted"
MANAGING = "Workspace cannot be safely deleted because it is still managing resources"

pytestmark = pytest.mark.parametrize("address", [BY_ID, BY_NAME], ids=["by id", "by name"])


@pytest.fixture
def workspace(world: World, acme: Organization) -> Workspace:
    """A workspace named network in a project of its own."""
    return world.workspace(world.project(acme), "network")


def test_a_workspace_is_deleted_safely_once(
    api: Api, world: World, workspace: Workspace, owner: Person, address: str
) -> None:
    path = address.format(id=workspace.id)
    response = api.raw("POST", f"{path}/actions/safe-delete", owner.token)
    assert (response.status_int, response.body) == (204, b"")
    assert world.all(Workspace) == []
    api.get(path, owner.token, expect=404)
    api.post(f"{path}/actions/safe-delete", owner.token, expect=404)
    api.delete(path, owner.token, expect=404)
    assert [(event.action, event.subject_name) for event in left_by_requests(world)] == [
        ("workspaces.delete", "network")
    ]


@pytest.mark.parametrize(
    ("state", "code", "detail"),
    [
        ({"locked": True}, "workspace-locked", LOCKED),
        ({"resource_count": 1}, "workspace-manages-resources", MANAGING),
        ({"locked": True, "resource_count": 1}, "workspace-locked", LOCKED),
    ],
    ids=["locked", "managing", "both"],
)
def test_what_is_in_use_is_not_deleted_safely(
    api: Api,
    world: World,
    acme: Organization,
    owner: Person,
    *,
    address: str,
    state: dict[str, bool | int],
    code: str,
    detail: str,
) -> None:
    workspace = world.workspace(world.project(acme), "network", **state)
    path = address.format(id=workspace.id)
    answer = api.post(f"{path}/actions/safe-delete", owner.token, expect=409)
    assert answer["errors"] == [{"status": "409", "title": "conflict", "code": code, "detail": detail}]
    assert ("locked" in detail) == (code == "workspace-locked"), "clients tell the reasons apart by this word"
    assert "being processed" not in detail
    assert [found.id for found in world.all(Workspace)] == [workspace.id]
    assert left_by_requests(world) == []
    api.delete(path + by_force(address), owner.token)
    assert world.all(Workspace) == []


def by_force(address: str) -> str:
    """What says that a DELETE is meant by force. By id it always is, as with HCP Terraform."""
    return "?force=true" if address == BY_NAME else ""


# Who may delete safely and by force, where the organization does not allow the latter to everybody and where it does.
RIGHTS = [
    ("owner", 204, 204, 204),
    ("organization token", 204, 403, 204),
    ("manage-projects", 204, 403, 204),
    ("manage-workspaces", 204, 403, 204),
    ("admin", 204, 403, 204),
    ("maintain", 204, 403, 204),
    ("custom", 204, 403, 204),
    ("write", 404, 403, 403),
    ("read", 404, 403, 403),
    ("read-workspaces", 404, 403, 403),
    ("none", 404, 404, 404),
]


@pytest.mark.one_database
@pytest.mark.parametrize(("who", "safely", "forced", "forced_if_allowed"), RIGHTS, ids=[each[0] for each in RIGHTS])
@pytest.mark.parametrize("allowed", [False, True], ids=["not allowed", "allowed"])
def test_deleting_is_for_who_may(
    api: Api,
    world: World,
    *,
    address: str,
    allowed: bool,
    who: str,
    safely: int,
    forced: int,
    forced_if_allowed: int,
) -> None:
    organization = world.organization("acme", allow_force_delete_workspaces=allowed)
    project = world.project(organization)
    if who == "owner":
        token = world.owner(organization).token
    elif who == "organization token":
        token = world.token(organization)
    else:
        team = world.team(organization, *([who] if "-" in who else []))
        if "-" not in who and who != "none":
            world.access(team, project, who, {"delete": True} if who == "custom" else None)
        token = world.member(organization, team).token
    expected = {"safe": safely, "force": forced_if_allowed if allowed else forced}
    for way, status in expected.items():
        workspace = world.workspace(project, "network")
        path = address.format(id=workspace.id)
        if status != 404:
            permissions = api.get(path, token)["data"]["attributes"]["permissions"]
            assert permissions["can-destroy" if way == "safe" else "can-force-delete"] is (status == 204)
        method, below = ("POST", "/actions/safe-delete") if way == "safe" else ("DELETE", by_force(address))
        answer = api.send(method, f"{path}{below}", token, expect=status)
        assert len(world.all(Workspace)) == (status != 204)
        if status == 403:
            assert [error["title"] for error in answer["errors"]] == ["forbidden"]
        if status != 204:
            api.delete(path, world.owner(organization).token)
