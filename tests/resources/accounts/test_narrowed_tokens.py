"""Tokens of an organization for scripts: narrowed to reading, permissions, projects, addresses; and replaced."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from webtest import TestApp

from app.models import ActivityEvent, AuthenticationToken, Organization, Project
from app.persistence import now
from tests.support.api import Api, document
from tests.support.world import Person, World

MANY = "/organizations/acme/authentication-tokens"


@pytest.fixture
def owner(world: World) -> Person:
    return world.person("ada")


@pytest.fixture
def acme(world: World, owner: Person) -> Organization:
    return world.organization("acme", owner=owner)


@pytest.fixture
def projects(world: World, acme: Organization) -> list[Project]:
    found = [world.project(acme, name) for name in ("one", "two")]
    for project in found:
        world.workspace(project, f"net-{project.name}")
    return found


def narrowed(api: Api, owner: Person, **attributes: Any) -> str:
    """The text of a token that is narrowed so."""
    sent = {"description": "script", **{name.replace("_", "-"): value for name, value in attributes.items()}}
    made = api.post(MANY, owner.token, document("authentication-tokens", sent))
    return str(made["data"]["attributes"]["token"])


def names(api: Api, token: str, path: str) -> list[str]:
    return [each["attributes"]["name"] for each in api.get(path, token)["data"]]


def test_it_reads_and_changes_nothing(api: Api, owner: Person, projects: list[Project]) -> None:
    token = narrowed(api, owner, read_only=True)
    assert names(api, token, "/organizations/acme/projects") == ["Default Project", "one", "two"]
    assert names(api, token, "/organizations/acme/workspaces") == ["net-one", "net-two"]
    path = f"/projects/{projects[0].id}"
    api.patch(path, token, document("projects", {"name": "mine"}), expect=404)
    api.delete(path, token, expect=404)
    api.post("/organizations/acme/projects", token, document("projects", {"name": "new"}), expect=404)
    api.post("/organizations/acme/teams", token, document("teams", {"name": "new"}), expect=404)


def test_it_reaches_some_projects(api: Api, owner: Person, projects: list[Project]) -> None:
    token = narrowed(api, owner, project_ids=[projects[1].id])
    assert names(api, token, "/organizations/acme/projects") == ["two"]
    assert names(api, token, "/organizations/acme/workspaces") == ["net-two"]
    api.get(f"/projects/{projects[0].id}", token, expect=404)
    api.patch(f"/projects/{projects[1].id}", token, document("projects", {"description": "by a script"}))
    api.post("/organizations/acme/projects", token, document("projects", {"name": "new"}), expect=404)
    api.get("/organizations/acme", token)
    assert api.get("/organizations/acme/teams", token)["data"] == []


def test_it_has_some_permissions(api: Api, owner: Person, projects: list[Project]) -> None:
    token = narrowed(api, owner, permissions=["project:read", "project:update"], project_ids=[projects[0].id])
    api.patch(f"/projects/{projects[0].id}", token, document("projects", {"description": "by a script"}))
    api.delete(f"/projects/{projects[0].id}", token, expect=404)
    assert names(api, token, "/organizations/acme/workspaces") == []
    both = narrowed(api, owner, permissions=["project:read", "project:update"], read_only=True)
    api.patch(f"/projects/{projects[0].id}", both, document("projects", {"description": "x"}), expect=404)


@pytest.mark.parametrize(
    ("address", "status"), [("203.0.113.9", 200), ("::ffff:203.0.113.9", 200), ("203.0.114.1", 401), ("", 401)]
)
@pytest.mark.usefixtures("acme")
def test_it_is_accepted_from_some_addresses(app: Flask, api: Api, owner: Person, address: str, status: int) -> None:
    token = narrowed(api, owner, ip_ranges=["203.0.113.0/24", "2001:db8::/32"])
    TestApp(app).get(
        "/api/v2/organizations/acme",
        headers={"Authorization": f"Bearer {token}"},
        extra_environ={"REMOTE_ADDR": address},
        status=status,
    )


def test_it_gives_nobody_access(api: Api, owner: Person, world: World, projects: list[Project]) -> None:
    token = narrowed(api, owner)
    api.post(MANY, token, document("authentication-tokens", {"description": "wider"}), expect=404)
    api.get(MANY, token, expect=404)
    api.post("/organizations/acme/authentication-token", token, {}, expect=404)
    api.post(
        f"/projects/{projects[0].id}/authentication-tokens",
        token,
        document("authentication-tokens", {"role": "viewer"}),
        expect=404,
    )
    team = world.team(world.all(Organization)[0])
    api.post(f"/teams/{team.id}/authentication-token", token, {}, expect=404)
    access = document(
        "team-projects", {"access": "admin"}, project=("projects", projects[0].id), team=("teams", team.id)
    )
    api.post("/team-projects", token, access, expect=404)


def test_it_is_listed_without_its_text_and_ends_at_once(
    api: Api, owner: Person, acme: Organization, world: World
) -> None:
    plain = world.token(acme)
    token = narrowed(
        api,
        owner,
        read_only=True,
        ip_ranges=["127.0.0.1"],
        permissions=["project:read"],
        expired_at="2099-01-01T00:00:00Z",
    )
    api.get("/organizations/acme", token, expect=401)
    [shown] = api.get(MANY, plain)["data"]
    attributes = shown["attributes"]
    assert attributes["token"] is None
    assert (attributes["read-only"], attributes["permissions"], attributes["project-ids"], attributes["ip-ranges"]) == (
        True,
        ["project:read"],
        None,
        ["127.0.0.1/32"],
    )
    assert api.get(f"/authentication-tokens/{shown['id']}", owner.token)["data"] == shown
    assert api.get("/organizations/acme/authentication-token", owner.token)["data"]["id"] != shown["id"]
    api.delete(f"/authentication-tokens/{shown['id']}", owner.token)
    assert api.get(MANY, owner.token)["data"] == []
    # The one token of the organization stays what it is.
    api.get("/organizations/acme", plain)


@pytest.mark.usefixtures("acme")
def test_the_old_token_goes_on_for_a_while(api: Api, owner: Person, world: World) -> None:
    old = narrowed(api, owner, read_only=True)
    [row] = [each for each in world.all(AuthenticationToken) if each.purpose == "narrowed"]
    path = f"/authentication-tokens/{row.id}/actions/rotate"
    made = api.post(path, owner.token, document("authentication-tokens", {"keep-old-for": 600}))["data"]
    new = made["attributes"]["token"]
    assert (made["attributes"]["read-only"], made["attributes"]["description"]) == (True, "script")
    for token in (old, new):
        api.get("/organizations/acme", token)
    shown = {each["id"]: each["attributes"] for each in api.get(MANY, owner.token)["data"]}
    assert shown[row.id]["expired-at"] is not None
    assert shown[row.id]["last-used-at"] is not None
    assert shown[made["id"]]["expired-at"] is None
    [event] = [each for each in world.all(ActivityEvent) if each.action == "authentication-tokens.rotate"]
    assert (event.subject_id, list(event.changes)) == (row.id, ["expired-at"])
    world.change(row, expired_at=now() - timedelta(seconds=1))
    api.get("/organizations/acme", old, expect=401)
    api.get("/organizations/acme", new)
    api.post(f"/authentication-tokens/{made['id']}/actions/rotate", new, expect=404)


def test_an_old_token_may_end_at_once_and_never_lives_longer(api: Api, owner: Person, world: World) -> None:
    world.organization("acme", owner=owner)
    old = narrowed(api, owner, expired_at="2099-01-01T00:00:00Z")
    [row] = [each for each in world.all(AuthenticationToken) if each.purpose == "narrowed"]
    api.post(
        f"/authentication-tokens/{row.id}/actions/rotate",
        owner.token,
        document("authentication-tokens", {"keep-old-for": 0}),
    )
    api.get("/organizations/acme", old, expect=401)
    # The new one lives as long as the old one was meant to.
    [left] = [each for each in api.get(MANY, owner.token)["data"] if each["id"] != row.id]
    assert left["attributes"]["expired-at"].startswith(("2098-12", "2099-01"))


@pytest.mark.one_database
@pytest.mark.usefixtures("acme")
def test_only_narrowed_tokens_are_rotated(api: Api, owner: Person) -> None:
    made = api.post(
        f"/users/{owner.id}/authentication-tokens", owner.token, document("authentication-tokens", {"description": "x"})
    )
    answer = api.post(f"/authentication-tokens/{made['data']['id']}/actions/rotate", owner.token, expect=422)
    assert answer["errors"][0]["code"] == "not-narrowed"


@pytest.mark.one_database
@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("attributes", "pointer"),
    [
        ({}, "description"),
        ({"description": ""}, "description"),
        ({"description": "x", "permissions": ["token:manage"]}, "permissions"),
        ({"description": "x", "permissions": ["everything"]}, "permissions"),
        ({"description": "x", "permissions": []}, "permissions"),
        ({"description": "x", "project-ids": ["prj-none"]}, "project-ids"),
        ({"description": "x", "project-ids": "prj-none"}, "project-ids"),
        ({"description": "x", "ip-ranges": ["203.0.113.9/24"]}, "ip-ranges"),
        ({"description": "x", "ip-ranges": ["here"]}, "ip-ranges"),
        ({"description": "x", "read-only": "yes"}, "read-only"),
        ({"description": "x", "expired-at": "2020-01-01T00:00:00Z"}, "expired-at"),
    ],
)
def test_what_can_not_be_is_refused(api: Api, owner: Person, attributes: dict[str, Any], pointer: str) -> None:
    answer = api.post(MANY, owner.token, document("authentication-tokens", attributes), expect=422)
    assert [error["source"]["pointer"] for error in answer["errors"]] == [f"/data/attributes/{pointer}"]
    assert api.get(MANY, owner.token)["data"] == []


def test_members_and_strangers_see_none(api: Api, world: World, acme: Organization, owner: Person) -> None:
    narrowed(api, owner)
    for token in (world.member(acme).token, world.person().token):
        api.get(MANY, token, expect=404)
        api.post(MANY, token, document("authentication-tokens", {"description": "x"}), expect=404)
