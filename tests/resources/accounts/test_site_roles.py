"""The roles of users on the whole service: who sees everything, and who gives such roles."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask

from app.models import Organization, User
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.statement_costs import Statements, cost
from tests.support.world import Person, World

POINTER = "/data/attributes/site-role"


@pytest.fixture
def root(world: World) -> Person:
    return world.person("root", site_role="super_user")


def sent(site_role: Any) -> dict[str, Any]:
    return document("users", {"site-role": site_role})


def roles(world: World) -> Mapping[str, str]:
    return {user.id: user.site_role for user in world.all(User)}


# --- what everybody is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["user", "admin", "super_user"])
def test_everybody_knows_the_own_role(api: Api, world: World, role: str) -> None:
    person = world.person(site_role=role)
    for path in ("/account/details", f"/users/{person.id}"):
        shown = api.get(path, person.token)["data"]["attributes"]
        assert shown["site-role"] == role
        assert shown["is-admin"] is shown["is-site-admin"] is (role != "user")


@pytest.mark.parametrize(
    ("who", "sees"),
    [("super_user", True), ("admin", False), ("owner", False), ("organization token", False), ("member", False)],
)
def test_others_roles_are_seen_by_who_gives_them(
    api: Api, world: World, acme: Organization, owner: Person, who: str, *, sees: bool
) -> None:
    ada = world.member(acme)
    token = {
        "owner": lambda: owner.token,
        "organization token": lambda: world.token(acme),
        "member": lambda: world.member(acme).token,
    }.get(who, lambda: world.person(site_role=who).token)()
    assert api.get(f"/users/{ada.id}", token)["data"]["attributes"]["site-role"] == ("user" if sees else None)


def test_a_service_account_has_none(api: Api, world: World, acme: Organization) -> None:
    for token in (world.token(acme), world.team_token(world.owners(acme))):
        assert api.get("/account/details", token)["data"]["attributes"]["site-role"] is None


# --- what they open ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "sees"), [("super_user", True), ("admin", True), ("user", False)])
def test_administrators_see_every_organization_and_what_is_in_it(
    api: Api, world: World, role: str, *, sees: bool
) -> None:
    token = world.person(site_role=role).token
    names = ["acme", "closed", "other"]
    organizations = [
        world.organization("acme"),
        world.organization("other"),
        world.organization("closed", user_tokens_enabled=False),
    ]
    listed = api.get("/organizations", token)["data"]
    assert [item["id"] for item in listed] == (names if sees else [])
    for organization in organizations:
        project = world.project(organization)
        workspace = world.workspace(project)
        team = world.team(organization)
        access = world.access(team, project, "read")
        varset = world.varset(organization)
        pool = world.pool(organization)
        person = world.member(organization, team)
        home = f"/organizations/{organization.name}"
        for path, expected in (
            (home, None),
            (f"{home}/entitlement-set", None),
            (f"{home}/projects", project.id),
            (f"{home}/workspaces", workspace.id),
            (f"{home}/teams", team.id),
            (f"{home}/varsets", varset.id),
            (f"{home}/agent-pools", pool.id),
            (f"{home}/organization-memberships", world.membership(organization, person)),
            (f"/team-projects?filter[project][id]={project.id}", access.id),
            (f"/projects/{project.id}", None),
            (f"/projects/{project.id}/repository-links", None),
            (f"/workspaces/{workspace.id}", None),
            (f"/workspaces/{workspace.id}/vars", None),
            (f"/teams/{team.id}", None),
            (f"/varsets/{varset.id}", None),
            (f"/users/{person.id}", None),
        ):
            answer = api.raw("GET", path, token)
            assert answer.status_int == (200 if sees else 404), path
            if sees and expected:
                assert expected in [item["id"] for item in answer.json["data"]], path


@pytest.mark.parametrize("role", ["super_user", "admin"])
def test_administrators_change_what_they_see(api: Api, world: World, acme: Organization, role: str) -> None:
    token = world.person(site_role=role).token
    api.patch("/organizations/acme", token, document("organizations", {"email": "new@example.test"}))
    made = api.post("/organizations/acme/projects", token, document("projects", {"name": "new"}))["data"]
    api.delete(f"/projects/{made['id']}", token)
    # Nobody acts as somebody else.
    api.post("/organizations/acme/authentication-token", token, expect=404)
    api.get(f"/users/{world.member(acme).id}/authentication-tokens", token)


# --- who gives them ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["user", "admin", "super_user"])
def test_a_super_user_gives_a_role_that_counts_at_once(
    api: Api, world: World, acme: Organization, root: Person, role: str
) -> None:
    ada = world.person("ada-2", site_role="admin" if role == "user" else "user")
    shown = api.patch(f"/users/{ada.id}", root.token, sent(role))["data"]
    assert shown["type"] == "users"
    assert (shown["id"], shown["attributes"]["site-role"]) == (ada.id, role)
    assert shown["attributes"]["email"] is None
    assert roles(world)[ada.id] == role
    assert len(api.get("/organizations", ada.token)["data"]) == (0 if role == "user" else 1)
    (event,) = left_by_requests(world)
    before = "admin" if role == "user" else "user"
    assert (event.action, event.subject_id, event.actor_id) == ("users.update", ada.id, root.id)
    assert event.changes == {"site-role": [before, role]}
    assert event.organization_id is None
    api.patch(f"/users/{ada.id}", root.token, sent(role))
    other = document("users", {"username": "other", "email": "o@example.test"})
    api.patch(f"/users/{ada.id}", root.token, other, expect=422)
    assert len(left_by_requests(world)) == 1
    assert api.get(f"/users/{ada.id}", ada.token)["data"]["attributes"]["username"] == "ada-2"
    assert acme.name == "acme"


@pytest.mark.parametrize("who", ["admin", "user", "owner", "organization token", "team token", "project token"])
def test_nobody_else_does(api: Api, world: World, acme: Organization, owner: Person, who: str) -> None:
    ada = world.member(acme)
    token = {
        "owner": lambda: owner.token,
        "organization token": lambda: world.token(acme),
        "team token": lambda: world.team_token(world.owners(acme)),
        "project token": lambda: world.project_token(world.project(acme), "owner"),
    }.get(who, lambda: world.person(site_role=who).token)()
    refused = api.raw("PATCH", f"/users/{ada.id}", token, sent("admin"))
    missing = api.raw("PATCH", "/users/user-1111111111111111", token, sent("admin"))
    assert (refused.status_int, refused.body) == (404, missing.body)
    assert roles(world)[ada.id] == "user"
    own = api.get("/account/details", token)["data"]["id"]
    api.patch(f"/users/{own}", token, sent("super_user"), expect=404)
    api.patch(f"/users/{ada.id}", None, sent("super_user"), expect=401)


def test_an_unknown_user_is_not_found(api: Api, root: Person) -> None:
    for user_id in ("user-1111111111111111", "x"):
        api.patch(f"/users/{user_id}", root.token, sent("admin"), expect=404)


@pytest.mark.one_database
@pytest.mark.parametrize("role", [None, "", "root", 1, ["admin"], {"name": "admin"}])
def test_any_other_role_is_refused(api: Api, world: World, root: Person, role: Any) -> None:
    ada = world.person()
    answer = api.patch(f"/users/{ada.id}", root.token, sent(role), expect=422)
    assert [pointer for _, pointer in faults(answer)] == [POINTER]
    assert roles(world)[ada.id] == "user"


# --- there is always one -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["user", "admin"])
def test_the_last_super_user_stays_one(api: Api, world: World, root: Person, role: str) -> None:
    answer = api.patch(f"/users/{root.id}", root.token, sent(role), expect=422)
    assert faults(answer)[0][1] == POINTER
    assert answer["errors"][0]["code"] == "last-super-user"
    assert roles(world)[root.id] == "super_user"
    api.patch(f"/users/{root.id}", root.token, sent("super_user"))
    assert left_by_requests(world) == []
    second = world.person(site_role="super_user")
    assert api.patch(f"/users/{root.id}", root.token, sent(role))["data"]["attributes"]["site-role"] == role
    api.patch(f"/users/{second.id}", root.token, sent("user"), expect=404)
    api.patch(f"/users/{second.id}", second.token, sent("user"), expect=422)


@pytest.mark.parametrize("each_other", [False, True])
def test_two_who_go_at_once_leave_one(app: Flask, world: World, *, each_other: bool) -> None:
    for _ in range(6):
        pair = [world.person(site_role="super_user") for _ in range(2)]
        targets = pair[::-1] if each_other else pair
        barrier = Barrier(2)

        def demote(caller: Person, target: Person, barrier: Barrier = barrier) -> int:
            api = Api(app)
            barrier.wait(timeout=10)
            return int(api.raw("PATCH", f"/users/{target.id}", caller.token, sent("user")).status_int)

        with ThreadPoolExecutor(2) as pool:
            statuses = sorted(pool.map(demote, pair, targets, timeout=60))
        # Whoever was demoted before he was heard gives no roles any more.
        assert statuses in ([200, 422], [200, 404])
        left = [user_id for user_id, role in roles(world).items() if role == "super_user"]
        assert len(left) == 1
        for user in world.all(User):
            user.site_role = "user"
            world.add(user)


def test_a_change_costs_the_same_however_many_there_are(
    api: Api, world: World, root: Person, statements: Statements
) -> None:
    api.get("/account/details", root.token)
    for _ in range(3):
        world.person(site_role="super_user")
        ada = world.person()
        # The caller, all super users, the user, update, event, show.
        assert cost(statements, api, root.token, ("PATCH", f"/users/{ada.id}", sent("admin"))) == 6
