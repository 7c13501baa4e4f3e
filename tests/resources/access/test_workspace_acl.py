"""The access lists of workspaces over HTTP."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from app.models import Environment, Organization, Project, Workspace, WorkspaceAclEntry
from app.models.workspace_acl_entries import ACL_LEVELS
from app.resources.organizations.organization_memberships.members import WhichUser
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.personas import PERSONAS
from tests.support.statement_costs import Request, Statements, cost
from tests.support.world import Person, World

USER = "/data/relationships/user"
LEVEL = "/data/attributes/level"
LAST = "The access list of the workspace must keep at least one owner whose level does not expire"


def adding(user_id: Any, level: Any = "user") -> dict[str, Any]:
    return document("workspace-acl-entries", {"level": level}, user=("users", user_id))


def changing(level: Any) -> dict[str, Any]:
    return document("workspace-acl-entries", {"level": level})


@pytest.fixture
def workspace(world: World, acme: Organization) -> Workspace:
    project = world.project(acme)
    environment = world.environment(project)
    return world.workspace(project, "net", environment_id=environment.id, cell="eu")


@pytest.fixture
def grace(world: World, acme: Organization) -> Person:
    """A member of acme without any level."""
    return world.member(acme, username="grace")


@pytest.fixture
def path(workspace: Workspace) -> str:
    return f"/workspaces/{workspace.id}/acl"


def test_an_entry_is_added_shown_changed_and_removed(
    api: Api, world: World, owner: Person, workspace: Workspace, grace: Person, path: str
) -> None:
    made = api.post(path, owner.token, adding(grace.id, "developer"))["data"]
    assert made["id"].startswith("acl-")
    assert made["type"] == "workspace-acl-entries"
    address = f"{path}/{made['id']}"
    assert made["links"] == {"self": f"/api/v2{address}"}
    shown = api.get(address, owner.token)["data"]
    assert shown == made
    assert shown["attributes"].pop("created-at").endswith("Z")
    assert shown["attributes"] == {
        "level": "developer",
        "username": "grace",
        "email": "grace@example.test",
        "expires-at": None,
    }
    relationships = {name: each["data"]["id"] for name, each in shown["relationships"].items()}
    assert relationships == {"user": grace.id, "workspace": workspace.id}
    assert api.patch(address, owner.token, changing("admin"))["data"]["attributes"]["level"] == "admin"
    api.patch(address, owner.token, changing("admin"))
    api.patch(address, owner.token, document("workspace-acl-entries", {}, user=("users", owner.id)))
    api.delete(address, owner.token)
    api.get(address, owner.token, expect=404)
    events = left_by_requests(world)
    verbs = ("create", "update", "delete")
    assert [event.action for event in events] == [f"workspace-acl-entries.{verb}" for verb in verbs]
    assert [event.changes for event in events] == [
        {"username": [None, "grace"], "level": [None, "developer"]},
        {"username": ["grace", "grace"], "level": ["developer", "admin"]},
        {"username": ["grace", None], "level": ["admin", None]},
    ]
    places = {(event.workspace_id, event.project_id, event.environment_id, event.cell) for event in events}
    assert places == {(workspace.id, workspace.project_id, workspace.environment_id, "eu")}


def test_an_entry_is_found_at_its_own_workspace_alone(
    api: Api, world: World, acme: Organization, owner: Person, workspace: Workspace, grace: Person
) -> None:
    entry = world.acl_entry(workspace, grace, "user")
    elsewhere = f"/workspaces/{world.workspace(world.project(acme)).id}/acl/{entry.id}"
    api.get(elsewhere, owner.token, expect=404)
    api.patch(elsewhere, owner.token, changing("admin"), expect=404)
    api.delete(elsewhere, owner.token, expect=404)
    assert [each.level for each in world.all(WorkspaceAclEntry)] == ["user"]


def test_faults(api: Api, world: World, acme: Organization, owner: Person, grace: Person, path: str) -> None:
    outsider, invited = world.person(), world.person()
    world.membership(acme, invited, status="invited")
    for stranger in (outsider.id, invited.id, "user-0000000000000000"):
        answer = api.post(path, owner.token, adding(stranger), expect=422)
        assert faults(answer) == [("User is not an active member of the organization", USER)]
    for sent in (document("workspace-acl-entries", {"level": "user"}, user=None), changing("user")):
        assert faults(api.post(path, owner.token, sent, expect=422)) == [(WhichUser.detail, USER)]
    made = api.post(path, owner.token, adding(grace.id))["data"]["id"]
    answer = api.post(path, owner.token, adding(grace.id, "admin"), expect=422)
    assert faults(answer) == [("User has already been taken", USER)]
    for level, detail in ((None, "Level can't be blank"), ("boss", "Level is not included in the list")):
        assert faults(api.post(path, owner.token, adding(grace.id, level), expect=422)) == [(detail, LEVEL)]
        assert faults(api.patch(f"{path}/{made}", owner.token, changing(level), expect=422)) == [(detail, LEVEL)]


def test_entries_are_listed_filtered_sorted_and_paged(
    api: Api, world: World, acme: Organization, owner: Person, workspace: Workspace, path: str
) -> None:
    for username, level in {"mallory": "user", "Alice": "owner", "bob": "developer"}.items():
        world.acl_entry(workspace, world.member(acme, username=username), level)
    world.acl_entry(world.workspace(world.project(acme)), world.member(acme), "user")

    def found(query: str = "") -> list[str]:
        return [each["attributes"]["username"] for each in api.get(path + query, owner.token)["data"]]

    assert found() == ["mallory", "Alice", "bob"]
    assert found("?sort=username") == ["Alice", "bob", "mallory"]
    assert found("?sort=-created-at") == ["bob", "Alice", "mallory"]
    assert found("?sort=level") == ["bob", "Alice", "mallory"]
    assert found("?filter[level]=user,owner") == ["mallory", "Alice"]
    assert found("?q=AL") == ["mallory", "Alice"]
    assert found("?page[size]=2&page[number]=2") == ["bob"]
    users = api.get(f"{path}?include=user", owner.token)["included"]
    assert [user["attributes"]["username"] for user in users] == ["Alice", "bob", "mallory"]
    assert {user["attributes"]["email"] for user in users} == {None}


# --- owners --------------------------------------------------------------------------------------------------------


def test_the_last_owner_stays(
    api: Api, world: World, acme: Organization, owner: Person, workspace: Workspace, grace: Person, path: str
) -> None:
    entry = world.acl_entry(workspace, grace, "owner")
    world.acl_entry(workspace, world.member(acme), "admin")
    for token in (owner.token, grace.token):
        for method, sent in (("DELETE", None), ("PATCH", changing("admin"))):
            answer = api.send(method, f"{path}/{entry.id}", token, sent, expect=403)
            assert faults(answer) == [(LAST, "")]
            assert answer["errors"][0]["code"] == "last-workspace-owner"
    assert left_by_requests(world) == []
    world.acl_entry(workspace, world.member(acme), "owner")
    api.delete(f"{path}/{entry.id}", grace.token)


def test_a_list_without_owners_takes_any_change(
    api: Api, world: World, owner: Person, workspace: Workspace, grace: Person, path: str
) -> None:
    entry = world.acl_entry(workspace, grace, "admin")
    api.patch(f"{path}/{entry.id}", owner.token, changing("user"))
    api.delete(f"{path}/{entry.id}", owner.token)


# --- who may -------------------------------------------------------------------------------------------------------

Made = Callable[[World, Organization, Workspace], str]


def on_list(level: str) -> Made:
    def make(world: World, organization: Organization, workspace: Workspace) -> str:
        person = world.member(organization)
        world.acl_entry(workspace, person, level)
        return person.token

    return make


def in_project(role: str, *, cells: list[str] | None = None, is_there: bool | None = None) -> Made:
    """A role in the project; ``is_there`` in the environment of the workspace, or in another one."""

    def make(world: World, organization: Organization, workspace: Workspace) -> str:
        person = world.member(organization)
        [project] = [each for each in world.all(Project) if each.id == workspace.project_id]
        environments = {each.is_default: each for each in world.all(Environment) if each.project_id == project.id}
        environment = None if is_there is None else environments[not is_there]
        world.project_member(project, person, role, environment=environment, cells=cells)
        return person.token

    return make


def on_team(access: str, **details: Any) -> Made:
    def make(world: World, organization: Organization, workspace: Workspace) -> str:
        team = world.team(organization)
        world.workspace_access(team, workspace, access, details or None)
        return world.member(organization, team).token

    return make


def of_project(role: str) -> Made:
    def make(world: World, _organization: Organization, workspace: Workspace) -> str:
        [project] = [each for each in world.all(Project) if each.id == workspace.project_id]
        return world.project_token(project, role)

    return make


def everywhere(name: str) -> Made:
    return lambda world, organization, _workspace: PERSONAS[name](world, organization, [])


WHO: Mapping[str, Made] = {
    "super user": lambda world, _organization, _workspace: world.person(site_role="super_user").token,
    "site administrator": everywhere("site administrator"),
    "owner": everywhere("owner"),
    "organization token": everywhere("organization token"),
    "manage-projects": everywhere("manage-projects"),
    "manage-workspaces": everywhere("manage-workspaces"),
    "read-workspaces": everywhere("read-workspaces"),
    "level user": on_list("user"),
    "level developer": on_list("developer"),
    "level admin": on_list("admin"),
    "level owner": on_list("owner"),
    "team read": on_team("read"),
    "team admin": on_team("admin"),
    "team custom": on_team("custom", variables="write"),
    "project viewer": in_project("viewer"),
    "project member": in_project("member"),
    "project admin": in_project("admin"),
    "project owner": in_project("owner"),
    "admin in its environment": in_project("admin", is_there=True),
    "admin in another environment": in_project("admin", is_there=False),
    "admin in its cell": in_project("admin", cells=["us", "eu"]),
    "admin in another cell": in_project("admin", cells=["us"]),
    "admin in its cell and environment": in_project("admin", cells=["eu"], is_there=True),
    "admin in its cell, not there": in_project("admin", cells=["eu"], is_there=False),
    "admin in no cell": in_project("admin", cells=[]),
    "viewing token": of_project("viewer"),
    "administering token": of_project("admin"),
    "owning token": of_project("owner"),
    "member": everywhere("member"),
    "outsider": everywhere("outsider"),
    "other owner": everywhere("other owner"),
}
RIGHTS = """
                                   | list user owner
super user                         | 200  201  201
site administrator                 | 200  201  201
owner                              | 200  201  201
organization token                 | 200  201  201
manage-projects                    | 200  201  403
manage-workspaces                  | 200  201  403
read-workspaces                    | 200  403  403
level user                         | 200  403  403
level developer                    | 200  403  403
level admin                        | 200  201  403
level owner                        | 200  201  201
team read                          | 200  403  403
team admin                         | 200  201  403
team custom                        | 404  403  403
project viewer                     | 200  403  403
project member                     | 200  403  403
project admin                      | 200  201  403
project owner                      | 200  201  201
admin in its environment           | 200  201  403
admin in another environment       | 404  404  404
admin in its cell                  | 200  201  403
admin in another cell              | 404  404  404
admin in its cell and environment  | 200  201  403
admin in its cell, not there       | 404  404  404
admin in no cell                   | 404  404  404
viewing token                      | 200  403  403
administering token                | 200  403  403
owning token                       | 200  403  403
member                             | 404  404  404
outsider                           | 404  404  404
other owner                        | 404  404  404
"""
CASES = [
    (name.strip(), dict(zip(("list", "user", "owner"), map(int, cells.split()), strict=True)))
    for name, _, cells in (line.partition("|") for line in RIGHTS.strip().splitlines()[1:])
]


@pytest.mark.one_database
@pytest.mark.parametrize(("who", "may"), CASES, ids=[name for name, _ in CASES])
def test_who_may(
    api: Api, world: World, acme: Organization, workspace: Workspace, path: str, who: str, may: dict[str, int]
) -> None:
    others = {level: world.acl_entry(workspace, world.member(acme), level) for level in ("user", "owner")}
    world.acl_entry(workspace, world.member(acme), "owner")
    caller = WHO[who](world, acme, workspace)
    api.get(path, caller, expect=may["list"])
    for level, other in others.items():
        address = f"{path}/{other.id}"
        api.get(address, caller, expect=may["list"])
        api.post(path, caller, adding(world.member(acme).id, level), expect=may[level])
        # Who does not see the list can't tell an entry from none.
        refusal = 404 if may["list"] == 404 else 403
        is_allowed = may[level] == 201
        api.patch(address, caller, changing("developer"), expect=200 if is_allowed else refusal)
        if is_allowed and level == "owner":
            other = world.acl_entry(workspace, world.member(acme), "owner")  # noqa: PLW2901 - the next to go
        api.delete(f"{path}/{other.id}", caller, expect=204 if is_allowed else refusal)
    entry = world.acl_entry(workspace, world.member(acme), "user")
    to_owner = 200 if may["owner"] == 201 else 404 if may["list"] == 404 else 403
    api.patch(f"{path}/{entry.id}", caller, changing("owner"), expect=to_owner)


@pytest.mark.parametrize("level", ACL_LEVELS)
def test_everybody_gives_his_own_level_up(
    api: Api, world: World, acme: Organization, workspace: Workspace, path: str, level: str
) -> None:
    world.acl_entry(workspace, world.member(acme), "owner")
    person = world.member(acme)
    entry = world.acl_entry(workspace, person, level)
    shown = api.get(f"{path}?q={person.username}", person.token)["data"][0]
    assert shown["attributes"]["email"] == f"{person.username}@example.test"
    assert [each["attributes"]["email"] for each in api.get(path, person.token)["data"]].count(None) == 1
    api.delete(f"{path}/{entry.id}", person.token)
    api.get(f"/workspaces/{workspace.id}", person.token, expect=404)


def test_lists_and_changes_take_the_same_statements_whatever_the_sizes(
    api: Api,
    world: World,
    acme: Organization,
    owner: Person,
    workspace: Workspace,
    grace: Person,
    *,
    statements: Statements,
) -> None:
    path = f"/workspaces/{workspace.id}/acl"
    address = f"{path}/{world.acl_entry(workspace, grace, 'user').id}"

    def costs(level: str) -> list[int]:
        requests: list[Request] = [
            ("GET", f"{path}?include=user", None),
            ("GET", address, None),
            ("PATCH", address, changing(level)),
            ("POST", path, adding(world.member(acme).id)),
        ]
        return [cost(statements, api, owner.token, request) for request in requests]

    api.get(path, owner.token)
    few = costs("developer")
    for _ in range(8):
        world.acl_entry(workspace, world.member(acme), "user")
    assert costs("admin") == few
    # The caller, the workspace, the page, its users; the caller, the row; the caller, the workspace and the entry
    # locked, the change, the name, the place, the event, the row; the caller, the workspace, the user, the row, the
    # place, the event, the row again.
    assert few == [4, 2, 8, 8]
