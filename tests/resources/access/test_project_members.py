"""The members of projects over HTTP: adding, listing, changing, removing, and where their roles hold."""

from typing import Any

import pytest

from app.models import Organization, Project, ProjectMember
from app.models.project_members import PROJECT_ROLES
from app.resources.access.project_members.schema import CELLS
from app.resources.organizations.organization_memberships.members import WhichUser
from app.resources.workspaces.workspaces.schema import CELL_LENGTH
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.statement_costs import Request, Statements, cost
from tests.support.world import Person, World

SCOPES = "/data/attributes/cell-scopes"
USER = "/data/relationships/user"
ENVIRONMENT = "/data/relationships/environment"
UNKNOWN_USER = [("User is not an active member of the organization", USER)]
UNKNOWN_ENVIRONMENT = [("The project has no such environment", ENVIRONMENT)]


def adding(user_id: Any, role: Any = "viewer", *, environment: Any = None, **attributes: Any) -> dict[str, Any]:
    sent = document("project-members", {"role": role, **dashed(attributes)}, user=("users", user_id))
    if environment is not None:
        sent["data"]["relationships"]["environment"] = {"data": {"type": "environments", "id": environment}}
    return sent


def changing(**attributes: Any) -> dict[str, Any]:
    return document("project-members", dashed(attributes))


def dashed(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in attributes.items()}


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    return world.project(acme, "plans")


@pytest.fixture
def grace(world: World, acme: Organization) -> Person:
    """A member of acme without any role."""
    return world.member(acme, username="grace")


@pytest.fixture
def path(project: Project) -> str:
    return f"/projects/{project.id}/members"


def test_a_member_is_added_shown_changed_and_removed(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, grace: Person, path: str
) -> None:
    staging = world.environment(project, "staging")
    sent = adding(grace.id, "member", environment=staging.id, cell_scopes=["eu", "us", "eu"])
    made = api.post(path, owner.token, sent)["data"]
    assert made["id"].startswith("pm-")
    assert made["type"] == "project-members"
    attributes = made["attributes"]
    assert attributes.pop("created-at").endswith("Z")
    assert attributes == {
        "role": "member",
        "expires-at": None,
        "cell-scopes": ["eu", "us"],
        "username": "grace",
        "email": "grace@example.test",
    }
    membership_id = world.membership(acme, grace)
    assert {name: shown["data"]["id"] for name, shown in made["relationships"].items()} == {
        "user": grace.id,
        "project": project.id,
        "environment": staging.id,
        "organization-membership": membership_id,
    }
    address = f"/project-members/{made['id']}"
    assert made["links"] == {"self": f"/api/v2{address}"}
    assert api.get(address, owner.token)["data"] == {
        **made,
        "attributes": api.get(address, owner.token)["data"]["attributes"],
    }
    sent = changing(role="admin", cell_scopes=None)
    another = {"data": {"type": "users", "id": owner.id}}
    sent["data"]["relationships"] = {"environment": {"data": None}, "user": another}
    changed = api.patch(address, owner.token, sent)["data"]
    assert changed["attributes"]["role"] == "admin"
    assert changed["attributes"]["cell-scopes"] is None
    assert changed["relationships"]["environment"]["data"] is None
    # Who he is stays, whatever is sent.
    assert changed["relationships"]["user"]["data"]["id"] == grace.id
    api.patch(address, owner.token, changing(role="admin"))
    api.delete(address, owner.token)
    api.get(address, owner.token, expect=404)
    assert world.all(ProjectMember) == []
    events = left_by_requests(world)
    assert [event.action for event in events] == [f"project-members.{verb}" for verb in ("create", "update", "delete")]
    assert events[0].changes == {
        "username": [None, "grace"],
        "role": [None, "member"],
        "environment": [None, staging.id],
        "cell-scopes": [None, ["eu", "us"]],
    }
    assert events[1].changes == {
        "username": ["grace", "grace"],
        "role": ["member", "admin"],
        "environment": [staging.id, None],
        "cell-scopes": [["eu", "us"], None],
    }
    assert events[2].changes == {"username": ["grace", None], "role": ["admin", None]}
    # It is the affair of the whole project, not of who has a role in that environment.
    assert {(event.project_id, event.environment_id, event.cell) for event in events} == {(project.id, None, None)}


def test_a_user_has_one_role_in_a_project(
    api: Api, world: World, acme: Organization, owner: Person, grace: Person, path: str
) -> None:
    api.post(path, owner.token, adding(grace.id))
    answer = api.post(path, owner.token, adding(grace.id, "admin"), expect=422)
    assert faults(answer) == [("User has already been taken", USER)]
    api.post(f"/projects/{world.project(acme).id}/members", owner.token, adding(grace.id))


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("nobody", UNKNOWN_USER),
        ("outsider", UNKNOWN_USER),
        ("invited", UNKNOWN_USER),
        ("null", [(WhichUser.detail, USER)]),
        ("absent", [(WhichUser.detail, USER)]),
        ("number", [("User must be a resource identifier", USER)]),
    ],
)
def test_only_active_members_of_the_organization_get_a_role(
    api: Api, world: World, acme: Organization, owner: Person, path: str, who: str, expected: Any
) -> None:
    outsider, invited = world.person(), world.person()
    world.membership(acme, invited, status="invited")
    ids = {"nobody": "user-0000000000000000", "outsider": outsider.id, "invited": invited.id, "number": 1}
    sent = adding(ids.get(who))
    if who == "null":
        sent["data"]["relationships"]["user"] = {"data": None}
    if who == "absent":
        del sent["data"]["relationships"]
    assert faults(api.post(path, owner.token, sent, expect=422)) == expected
    assert world.all(ProjectMember) == []


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("role", "detail"),
    [
        (None, "Role can't be blank"),
        ("boss", "Role is not included in the list"),
        (1, "Role is not included in the list"),
    ],
)
def test_a_role_is_one_of_four(api: Api, owner: Person, grace: Person, path: str, role: Any, detail: str) -> None:
    for each in PROJECT_ROLES:
        made = api.post(path, owner.token, adding(grace.id, each))["data"]["id"]
        answer = api.patch(f"/project-members/{made}", owner.token, changing(role=role), expect=422)
        assert faults(answer) == [(detail, "/data/attributes/role")]
        if each != "owner":
            api.delete(f"/project-members/{made}", owner.token)
    answer = api.post(path, owner.token, adding(grace.id, role), expect=422)
    assert faults(answer) == [(detail, "/data/attributes/role")]
    without = document("project-members", {}, user=("users", grace.id))
    assert faults(api.post(path, owner.token, without, expect=422)) == [
        ("Role can't be blank", "/data/attributes/role")
    ]


def test_an_environment_is_one_of_the_project(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, grace: Person, path: str
) -> None:
    elsewhere = world.environment(world.project(acme))
    for unknown in ("env-0000000000000000", elsewhere.id):
        answer = api.post(path, owner.token, adding(grace.id, environment=unknown), expect=400)
        assert faults(answer) == UNKNOWN_ENVIRONMENT
        assert answer["errors"][0]["code"] == "unknown-environment"
    made = api.post(path, owner.token, adding(grace.id))["data"]["id"]
    sent = document("project-members", {}, environment=("environments", elsewhere.id))
    answer = api.patch(f"/project-members/{made}", owner.token, sent, expect=400)
    assert faults(answer) == UNKNOWN_ENVIRONMENT
    here = document("project-members", {}, environment=("environments", world.default_environment(project).id))
    shown = api.patch(f"/project-members/{made}", owner.token, here)["data"]
    assert shown["attributes"]["role"] == "viewer"


GOOD_CELLS: list[Any] = [None, [], ["eu"], ["a" * CELL_LENGTH], [f"c{index}" for index in range(CELLS)]]
BAD_CELLS: list[tuple[Any, str]] = [
    ("eu", "must be null or an array of strings"),
    ({}, "must be null or an array of strings"),
    ([1], "must be null or an array of strings"),
    ([None], "must be null or an array of strings"),
    ([""], "has a name that no cell can have"),
    (["-eu"], "has a name that no cell can have"),
    (["eu\n"], "has a name that no cell can have"),
    (["a" * (CELL_LENGTH + 1)], "has a name that no cell can have"),
    ([f"c{index}" for index in range(CELLS + 1)], f"must have at most {CELLS} cells"),
]


@pytest.mark.parametrize("cells", GOOD_CELLS)
def test_cells_are_set(api: Api, world: World, owner: Person, project: Project, grace: Person, cells: Any) -> None:
    member = world.project_member(project, grace, "member", cells=["x"])
    address = f"/project-members/{member.id}"
    shown = api.put(f"{address}/cell-scopes", owner.token, changing(cell_scopes=cells))["data"]
    assert shown["attributes"]["cell-scopes"] == cells
    assert shown["attributes"]["role"] == "member"
    assert api.get(address, owner.token)["data"]["attributes"]["cell-scopes"] == cells
    [event] = left_by_requests(world)
    assert event.action == "project-members.update"
    assert event.changes == {"username": ["grace", "grace"], "cell-scopes": [["x"], cells]}
    api.put(f"{address}/cell-scopes", owner.token, changing(cell_scopes=cells))
    assert len(left_by_requests(world)) == 1


@pytest.mark.one_database
@pytest.mark.parametrize(("cells", "fault"), BAD_CELLS)
def test_cells_that_can_not_be(
    api: Api, world: World, owner: Person, project: Project, grace: Person, cells: Any, fault: str, path: str
) -> None:
    member = world.project_member(project, grace, "member", cells=["x"])
    address = f"/project-members/{member.id}"
    expected = [(f"Cell scopes {fault}", SCOPES)]
    assert faults(api.put(f"{address}/cell-scopes", owner.token, changing(cell_scopes=cells), expect=422)) == expected
    assert faults(api.patch(address, owner.token, changing(cell_scopes=cells), expect=422)) == expected
    other = adding(owner.id, cell_scopes=cells)
    assert faults(api.post(path, owner.token, other, expect=422)) == expected
    assert api.get(address, owner.token)["data"]["attributes"]["cell-scopes"] == ["x"]


def test_cells_are_required_where_they_are_set(
    api: Api, world: World, owner: Person, project: Project, grace: Person
) -> None:
    member = world.project_member(project, grace, "member")
    path = f"/project-members/{member.id}/cell-scopes"
    assert faults(api.put(path, owner.token, changing(), expect=422)) == [("Cell scopes can't be blank", SCOPES)]
    answer = api.put(path, owner.token, changing(cell_scopes=None, role="admin"), expect=422)
    assert faults(answer) == [
        ("role is no attribute that can be set here; those that can be set: cell-scopes", "/data/attributes/role")
    ]


def test_a_misspelt_limit_gives_no_role(api: Api, world: World, owner: Person, grace: Person, path: str) -> None:
    for misspelt in ({"cellScopes": ["eu"]}, {"cells": ["eu"]}, {"env-name": "prod"}, {"environment-id": "env-1"}):
        answer = api.post(path, owner.token, adding(grace.id, "member", **misspelt), expect=422)
        [(_, pointer)] = faults(answer)
        assert pointer == f"/data/attributes/{next(iter(misspelt))}"
    assert {each.role for each in world.all(ProjectMember)} <= {"owner"}
    made = api.post(
        path,
        owner.token,
        document("project-members", {"role": "member", "cell_scopes": ["eu"]}, user=("users", grace.id)),
    )
    assert made["data"]["attributes"]["cell-scopes"] == ["eu"]


# --- listing -------------------------------------------------------------------------------------------------------


def test_members_are_listed_filtered_sorted_and_paged(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, path: str
) -> None:
    roles = {"mallory": "viewer", "Alice": "owner", "bob": "admin", "carol": "viewer"}
    for username, role in roles.items():
        world.project_member(project, world.member(acme, username=username), role)
    world.project_member(world.project(acme), world.member(acme, username="alien"), "viewer")

    def found(query: str = "") -> list[str]:
        return [each["attributes"]["username"] for each in api.get(path + query, owner.token)["data"]]

    assert found() == ["mallory", "Alice", "bob", "carol"]
    assert found("?sort=username") == ["Alice", "bob", "carol", "mallory"]
    assert found("?sort=-username") == ["mallory", "carol", "bob", "Alice"]
    assert found("?sort=-created-at") == ["carol", "bob", "Alice", "mallory"]
    assert sorted(found("?sort=role")[-2:]) == ["carol", "mallory"]
    assert found("?filter[role]=viewer") == ["mallory", "carol"]
    assert found("?filter[role]=viewer,ADMIN") == ["mallory", "bob", "carol"]
    assert found("?filter[role]=boss") == []
    assert found("?q=AL") == ["mallory", "Alice"]
    assert found("?q=al&filter[role]=owner") == ["Alice"]
    assert found("?page[size]=3&page[number]=2") == ["carol"]
    meta = api.get(f"{path}?page[size]=3", owner.token)["meta"]["pagination"]
    assert (meta["total-count"], meta["total-pages"]) == (4, 2)
    answer = api.get(f"{path}?sort=email", owner.token, expect=400)
    assert faults(answer)[0][1] == "sort"
    api.get("/projects/prj-0000000000000000/members", owner.token, expect=404)


def test_users_and_environments_come_along_users_without_their_addresses(
    api: Api, world: World, owner: Person, project: Project, grace: Person, path: str
) -> None:
    environment = world.environment(project)
    member = world.project_member(project, grace, "viewer", environment=environment)
    for address in (path, f"/project-members/{member.id}"):
        [included] = api.get(f"{address}?include=environment", owner.token)["included"]
        assert (included["type"], included["id"]) == ("environments", environment.id)
        assert len(api.get(f"{address}?include=user,environment", owner.token)["included"]) == 2
        [user] = api.get(f"{address}?include=user", owner.token)["included"]
        assert (user["type"], user["id"], user["attributes"]["email"]) == ("users", grace.id, None)
        assert "included" not in api.get(address, owner.token)
        assert faults(api.get(f"{address}?include=secrets", owner.token, expect=400))[0][1] == "include"


def test_addresses_are_for_who_sees_those_of_the_organization(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, grace: Person, path: str
) -> None:
    world.project_member(project, grace, "admin")
    viewer = world.member(acme)
    world.project_member(project, viewer, "viewer")

    def seen(token: str) -> list[bool]:
        return [each["attributes"]["email"] is not None for each in api.get(path, token)["data"]]

    assert seen(owner.token) == seen(world.token(acme)) == [True, True]
    assert seen(world.member(acme, world.team(acme, "manage-membership", "read-projects")).token) == [True, True]
    # Of others only the names; the own one is no secret to oneself.
    assert seen(grace.token) == [True, False]
    assert seen(viewer.token) == [False, True]
    assert seen(world.project_token(project, "owner")) == [False, False]


def test_lists_and_changes_take_the_same_statements_whatever_the_sizes(
    api: Api,
    world: World,
    acme: Organization,
    owner: Person,
    project: Project,
    grace: Person,
    *,
    statements: Statements,
) -> None:
    path = f"/projects/{project.id}/members"
    address = f"/project-members/{world.project_member(project, grace, 'viewer').id}"

    def costs(role: str) -> list[int]:
        requests: list[Request] = [
            ("GET", f"{path}?include=user", None),
            ("GET", address, None),
            ("PATCH", address, changing(role=role)),
            ("POST", path, adding(world.member(acme).id)),
        ]
        return [cost(statements, api, owner.token, request) for request in requests]

    api.get(path, owner.token)
    few = costs("member")
    for _ in range(8):
        world.project_member(project, world.member(acme), "viewer")
    assert costs("admin") == few
    # The caller, the project, the page, its users; the caller, the row; the caller, the row, the project and the
    # member locked, the change, the name, the event, the row; the caller, the project, the user, what has ended,
    # the row, the event, the row again.
    assert few == [4, 2, 8, 7]
