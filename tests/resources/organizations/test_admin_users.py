"""Site administrators administer users: the list, keeping people out, and what nobody may do to whom."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.models import (
    AuthenticationToken,
    AuthorizationCode,
    Organization,
    OrganizationMembership,
    ProjectMember,
    SignInSession,
    User,
    WorkspaceAclEntry,
)
from app.persistence import now
from tests.support.activity import left_by_requests
from tests.support.api import Api, document
from tests.support.browser import PASSWORD, Browser, person_with_password
from tests.support.statement_costs import Statements, cost
from tests.support.world import Person, World

ACTIONS = ("suspend", "unsuspend", "grant_admin", "revoke_admin", "revoke_tokens")


@pytest.fixture
def root(world: World) -> Person:
    return world.person("root", site_role="super_user")


@pytest.fixture
def admin(world: World) -> Person:
    return world.person("admin", site_role="admin")


def act(api: Api, caller: Person, user_id: str, action: str, *, expect: int = 200) -> Any:
    return api.post(f"/admin/users/{user_id}/actions/{action}", caller.token, expect=expect)


def code_of(answer: dict[str, Any]) -> str:
    return str(answer["errors"][0]["code"])


def names(answer: dict[str, Any]) -> list[str]:
    return [each["attributes"]["username"] for each in answer["data"]]


def works(api: Api, token: str) -> bool:
    return bool(api.raw("GET", "/account/details", token).status_int == 200)


# --- the list ------------------------------------------------------------------------------------------------------


def test_the_whole_document(api: Api, world: World, acme: Organization, admin: Person) -> None:
    ada = world.member(acme, username="lin")
    world.membership(world.organization("Abc"), ada)
    shown = api.get(f"/admin/users/{ada.id}", admin.token)["data"]
    assert shown["attributes"].pop("created-at").endswith("Z")
    flags = shown["attributes"].pop("permissions")
    assert not any(flags.values())
    del shown["attributes"]["avatar-url"]
    assert shown == {
        "id": ada.id,
        "type": "users",
        "attributes": {
            "username": "lin",
            "email": "lin@example.test",
            "unconfirmed-email": None,
            "is-admin": False,
            "is-site-admin": False,
            "is-suspended": False,
            "is-service-account": False,
            "site-role": "user",
            "auth-method": "tfc",
            "v2-only": False,
            "is-sso-login": False,
            "is-unified": False,
            "two-factor": {"enabled": False, "verified": False},
        },
        "relationships": {
            "authentication-tokens": {"links": {"related": f"/api/v2/users/{ada.id}/authentication-tokens"}},
            "organizations": {
                "data": [{"id": "Abc", "type": "organizations"}, {"id": "acme", "type": "organizations"}]
            },
        },
        "links": {"self": f"/api/v2/users/{ada.id}"},
    }


def test_it_is_searched_and_filtered(api: Api, world: World, root: Person, admin: Person) -> None:
    grace = world.person("grace")
    world.add(User(username="invited-x", email="new.grace@example.test", invited_at=now()))
    act(api, admin, grace.id, "suspend")
    assert names(api.get("/admin/users", admin.token)) == ["admin", "grace", None, "root"]
    assert names(api.get("/admin/users", admin.token, q="GRACE")) == ["grace", None]
    assert names(api.get("/admin/users", admin.token, q="grace@example")) == ["grace", None]
    assert names(api.get("/admin/users", admin.token, q="invited-x")) == []
    for query, found in (
        ("filter[admin]=true", ["admin", "root"]),
        ("filter[admin]=false", ["grace", None]),
        ("filter[suspended]=true", ["grace"]),
        ("filter[suspended]=false&filter[admin]=false", [None]),
        ("page[size]=1&page[number]=2", ["grace"]),
    ):
        assert names(api.get(f"/admin/users?{query}", root.token)) == found, query
    api.get("/admin/users?filter[suspended]=yes", root.token, expect=400)
    api.get("/admin/users?include=teams", root.token, expect=400)


def test_the_organizations_are_included(api: Api, world: World, acme: Organization, admin: Person) -> None:
    world.member(acme)
    answer = api.get("/admin/users?include=organizations", admin.token)
    assert {each["id"] for each in answer["included"]} == {"acme"}


@pytest.mark.parametrize("who", ["owner", "member", "organization token", "owners team's token", "project token"])
def test_nobody_else_finds_anything_there(
    api: Api, world: World, acme: Organization, owner: Person, root: Person, who: str
) -> None:
    ada = world.member(acme)
    token = {
        "owner": lambda: owner.token,
        "member": lambda: world.member(acme).token,
        "organization token": lambda: world.token(acme),
        "owners team's token": lambda: world.team_token(world.owners(acme)),
        "project token": lambda: world.project_token(world.project(acme), "owner"),
    }[who]()
    for method, path in (
        ("GET", "/admin/users"),
        ("GET", f"/admin/users/{ada.id}"),
        ("DELETE", f"/admin/users/{ada.id}"),
        *(("POST", f"/admin/users/{user.id}/actions/{action}") for action in ACTIONS for user in (ada, root)),
    ):
        assert api.raw(method, path, token).status_int == 404, (method, path)
        assert api.raw(method, path).status_int == 401
    assert works(api, ada.token)
    assert left_by_requests(world) == []


def test_an_unknown_user_is_not_found(api: Api, root: Person) -> None:
    for action in ACTIONS:
        act(api, root, "user-1111111111111111", action, expect=404)
    api.delete("/admin/users/x", root.token, expect=404)


# --- suspending ----------------------------------------------------------------------------------------------------


def test_a_suspended_user_is_out_at_once(app: Flask, api: Api, world: World, acme: Organization, admin: Person) -> None:
    ada = person_with_password(world, "lin")
    world.membership(acme, ada)
    browser = Browser(app)
    browser.sign_in("lin")
    code = browser.code()
    shown = act(api, admin, ada.id, "suspend")["data"]
    assert shown["attributes"]["is-suspended"] is True
    assert not works(api, ada.token)
    assert browser.open().forms[0].action.startswith("/sign-in?")
    assert browser.redeem(code).json["error"] == "invalid_grant"
    wrong, right = (Browser(app, ip="192.0.2.9").try_to_sign_in("lin", text) for text in ("wrong", PASSWORD))
    # The page does not tell a suspended user from one who does not exist.
    for page in (wrong, right):
        assert (page.status_int, "The username or the password is wrong." in page.text) == (403, True)
    assert [len(world.all(model)) for model in (SignInSession, AuthorizationCode)] == [0, 0]
    assert [each.user_id for each in world.all(AuthenticationToken) if each.user_id == ada.id] == []
    assert len([each for each in world.all(OrganizationMembership) if each.user_id == ada.id]) == 1
    assert code_of(act(api, admin, ada.id, "suspend", expect=400)) == "already-suspended"
    [event] = [each for each in left_by_requests(world) if each.action == "users.suspend"]
    assert (event.actor_id, event.subject_id, event.subject_name) == (admin.id, ada.id, "lin")
    assert event.changes == {"is-suspended": [False, True], "authentication-tokens": [1, 0]}


def test_what_slips_in_meanwhile_does_not_work(app: Flask, api: Api, world: World, admin: Person) -> None:
    ada = person_with_password(world, "lin")
    browser = Browser(app)
    browser.sign_in("lin")
    (session,) = world.all(SignInSession)
    (token,) = [each for each in world.all(AuthenticationToken) if each.user_id == ada.id]
    act(api, admin, ada.id, "suspend")
    for row, model in ((session, SignInSession), (token, AuthenticationToken)):
        world.add(model(**{name: getattr(row, name) for name in list(row.__table__.c.keys())}))
    assert not works(api, ada.token)
    assert browser.open().forms[0].action.startswith("/sign-in?")
    act(api, admin, ada.id, "unsuspend")
    assert not works(api, ada.token)
    assert browser.open().forms[0].action.startswith("/sign-in?")


def test_one_who_is_let_in_again_signs_in_and_makes_a_token(app: Flask, api: Api, world: World, admin: Person) -> None:
    ada = person_with_password(world, "lin")
    act(api, admin, ada.id, "suspend")
    assert act(api, admin, ada.id, "unsuspend")["data"]["attributes"]["is-suspended"] is False
    assert not works(api, ada.token)
    browser = Browser(app)
    browser.sign_in("lin")
    assert works(api, browser.redeem(browser.code()).json["access_token"])
    assert code_of(act(api, admin, ada.id, "unsuspend", expect=400)) == "not-suspended"
    assert [each.action for each in left_by_requests(world)][:2] == ["users.suspend", "users.unsuspend"]


def test_an_organization_keeps_an_owner_who_can_come_in(
    api: Api, world: World, acme: Organization, owner: Person, admin: Person
) -> None:
    grace = world.owner(acme)
    act(api, admin, owner.id, "suspend")
    membership = world.membership(acme, grace)
    refused = api.delete(f"/organization-memberships/{membership}", admin.token, expect=403)
    assert code_of(refused) == "last-owner"
    assert code_of(api.delete(f"/admin/users/{grace.id}", admin.token, expect=422)) == "sole-owner"
    act(api, admin, owner.id, "unsuspend")
    api.delete(f"/organization-memberships/{membership}", admin.token)


# --- deleting ------------------------------------------------------------------------------------------------------


def test_a_deleted_user_leaves_no_access(api: Api, world: World, acme: Organization, admin: Person) -> None:
    team = world.team(acme, name="net")
    ada = world.member(acme, team, username="lin")
    project = world.project(acme)
    workspace = world.workspace(project)
    world.project_member(project, ada, "owner")
    world.acl_entry(workspace, ada, "owner")
    api.delete(f"/admin/users/{ada.id}", admin.token)
    api.delete(f"/admin/users/{ada.id}", admin.token, expect=404)
    assert not works(api, ada.token)
    assert names(api.get("/admin/users", admin.token, q="lin")) == []
    assert [len(world.all(model)) for model in (ProjectMember, WorkspaceAclEntry)] == [0, 0]
    events = {each.action: each for each in left_by_requests(world)}
    # Those of one moment come in any order.
    assert set(events) == {
        "users.delete",
        "organization-memberships.delete",
        "project-members.delete",
        "workspace-acl-entries.delete",
    }
    assert events["users.delete"].changes == {"username": ["lin", None]}
    assert events["organization-memberships.delete"].changes == {"username": ["lin", None], "teams": [["net"], []]}
    assert events["project-members.delete"].project_id == project.id
    assert events["workspace-acl-entries.delete"].workspace_id == workspace.id


def test_the_only_owner_of_an_organization_stays(
    api: Api, world: World, acme: Organization, owner: Person, admin: Person
) -> None:
    refused = api.delete(f"/admin/users/{owner.id}", admin.token, expect=422)
    assert code_of(refused) == "sole-owner"
    assert "is the only owner of acme;" in refused["errors"][0]["detail"]
    assert works(api, owner.token)
    world.owner(acme)
    api.delete(f"/admin/users/{owner.id}", admin.token)


def test_deleting_costs_the_same_however_much_there_is(
    api: Api, world: World, acme: Organization, admin: Person, statements: Statements
) -> None:
    costs = set()
    api.get("/account/details", admin.token)
    for count in (1, 3):
        ada = world.member(acme, *(world.team(acme) for _ in range(count)))
        for _ in range(count):
            organization = world.organization()
            world.membership(organization, ada)
            project = world.project(organization)
            world.project_member(project, ada, "admin")
            world.acl_entry(world.workspace(project), ada, "admin")
        costs.add(cost(statements, api, admin.token, ("DELETE", f"/admin/users/{ada.id}", None)))
    assert len(costs) == 1, costs


# --- who may do it to whom -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["admin", "super_user"])
@pytest.mark.parametrize("action", ["suspend", "unsuspend", "revoke_tokens", "delete", "a token"])
def test_only_a_super_user_touches_an_administrator(
    api: Api, world: World, root: Person, admin: Person, role: str, action: str
) -> None:
    other = world.person("other", site_role=role)
    if action == "unsuspend":
        act(api, root, other.id, "suspend")
    path = f"/admin/users/{other.id}"
    if action == "a token":
        [shown] = api.get(f"/users/{other.id}/authentication-tokens", admin.token)["data"]
        path = f"/authentication-tokens/{shown['id']}"
    method, path = ("DELETE", path) if action in {"delete", "a token"} else ("POST", f"{path}/actions/{action}")
    refused = api.send(method, path, admin.token, expect=403)
    assert code_of(refused) == "administrator-account"
    assert works(api, other.token) is (action != "unsuspend")
    assert api.raw(method, path, root.token).status_int in {200, 204}


@pytest.mark.parametrize("action", ["suspend", "delete"])
def test_nobody_keeps_themselves_out(api: Api, world: World, root: Person, admin: Person, action: str) -> None:
    world.person(site_role="super_user")
    for person in (root, admin):
        if action == "delete":
            refused = api.delete(f"/admin/users/{person.id}", person.token, expect=403)
        else:
            refused = act(api, person, person.id, action, expect=403)
        assert code_of(refused) == "own-account"


def test_the_last_super_user_stays(api: Api, world: World, root: Person, admin: Person) -> None:
    other = world.person(site_role="super_user")
    act(api, root, other.id, "suspend")
    # A suspended one does not count.
    answer = api.patch(f"/users/{root.id}", root.token, document("users", {"site-role": "user"}), expect=422)
    assert code_of(answer) == "last-super-user"
    assert code_of(act(api, root, root.id, "revoke_admin", expect=422)) == "last-super-user"
    # Whoever else may ask, such as an administrator, is refused as well.
    assert act(api, admin, root.id, "suspend", expect=422)
    api.delete(f"/admin/users/{root.id}", admin.token, expect=422)
    act(api, root, other.id, "unsuspend")
    assert act(api, root, root.id, "revoke_admin")["data"]["attributes"]["site-role"] == "user"


@pytest.mark.parametrize("action", ["suspend", "delete", "demote"])
def test_of_two_super_users_who_end_each_other_one_stays(
    api: Api, world: World, at_once: Callable[..., list[int]], root: Person, action: str
) -> None:
    for _ in range(3):
        other = world.person(site_role="super_user")
        path = {"suspend": "/actions/suspend", "delete": "", "demote": "/actions/revoke_admin"}[action]
        method = "DELETE" if action == "delete" else "POST"
        pair = ((root, other), (other, root))
        first, second = sorted(
            at_once(*((method, f"/admin/users/{target.id}{path}", who.token, None) for who, target in pair))
        )
        # Whoever was ended before they were heard is nobody any more.
        assert first in {200, 204}
        assert second in {401, 404, 422}
        left = [each for each in world.all(User) if each.site_role == "super_user" and each.suspended_at is None]
        assert len(left) == 1
        root = root if left[0].id == root.id else other
    assert api.get("/admin/users", root.token)["data"]


def test_super_users_make_administrators(api: Api, world: World, root: Person, admin: Person) -> None:
    ada = world.person("lin")
    act(api, admin, ada.id, "grant_admin", expect=404)
    act(api, admin, admin.id, "revoke_admin", expect=404)
    assert code_of(act(api, root, ada.id, "revoke_admin", expect=400)) == "no-administrator"
    shown = act(api, root, ada.id, "grant_admin")["data"]["attributes"]
    assert (shown["is-admin"], shown["site-role"]) == (True, "admin")
    api.get("/admin/users", ada.token)
    assert code_of(act(api, root, ada.id, "grant_admin", expect=400)) == "already-administrator"
    assert act(api, root, ada.id, "revoke_admin")["data"]["attributes"]["is-admin"] is False
    api.get("/admin/users", ada.token, expect=404)
    assert [each.changes for each in left_by_requests(world)] == [
        {"site-role": ["user", "admin"]},
        {"site-role": ["admin", "user"]},
    ]
    placeholder = world.add(User(username="invited-x", email="x@example.test", invited_at=now()))
    assert code_of(act(api, root, placeholder.id, "grant_admin", expect=422)) == "no-account"


# --- tokens of others ----------------------------------------------------------------------------------------------


def test_the_tokens_of_anybody_are_seen_and_revoked(
    app: Flask, api: Api, world: World, acme: Organization, admin: Person
) -> None:
    ada = person_with_password(world, "lin")
    browser = Browser(app)
    browser.sign_in("lin")
    body = document("authentication-tokens", {"description": "ci"})
    text = api.post(f"/users/{ada.id}/authentication-tokens", ada.token, body)["data"]["attributes"]["token"]
    first, second = api.get(f"/users/{ada.id}/authentication-tokens", admin.token)["data"]
    assert (second["attributes"]["description"], second["attributes"]["token"]) == ("ci", None)
    assert api.get(f"/authentication-tokens/{second['id']}", admin.token)["data"] == second
    api.delete(f"/authentication-tokens/{second['id']}", admin.token)
    assert (works(api, text), works(api, ada.token)) == (False, True)
    act(api, admin, ada.id, "revoke_tokens")
    assert not works(api, ada.token)
    assert browser.open().forms[0].action.startswith("/sign-in?")
    assert api.get(f"/users/{ada.id}/authentication-tokens", admin.token)["data"] == []
    api.get(f"/authentication-tokens/{first['id']}", admin.token, expect=404)
    # The user is not suspended, and signs in again.
    browser.sign_in("lin")
    assert [each.action for each in left_by_requests(world) if each.actor_id == admin.id] == [
        "authentication-tokens.delete",
        "users.revoke-tokens",
    ]
    # Tokens that are not a user's are not theirs.
    world.token(acme)
    [of_acme] = [each for each in world.all(AuthenticationToken) if each.kind == "organization"]
    api.delete(f"/authentication-tokens/{of_acme.id}", admin.token, expect=404)
