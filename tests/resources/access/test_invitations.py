"""Invitations into an organization, by e-mail address."""

from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from app.models import Organization, OrganizationMembership, User
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

PATH = "/organizations/acme/organization-memberships"
EMAIL = "/data/attributes/email"


def sent(email: Any = "new@example.test", **relationships: Any) -> dict[str, Any]:
    return document("organization-memberships", {"email": email}, **relationships)


def command(app: Flask, *arguments: str) -> Result:
    # The flask command gives its commands the context of the application.
    with app.app_context():
        return app.test_cli_runner().invoke(args=arguments)


def test_an_address_that_nobody_has_is_invited(api: Api, world: World, acme: Organization, owner: Person) -> None:
    team = world.team(acme)
    answer = api.post(PATH, owner.token, sent(teams=[("teams", team.id)]))
    created = answer["data"]
    assert created["attributes"]["status"] == "invited"
    assert created["attributes"]["email"] == "new@example.test"
    assert created["relationships"]["teams"]["data"] == [{"id": team.id, "type": "teams"}]
    (user,) = answer["included"]
    assert created["relationships"]["user"]["data"] == {"id": user["id"], "type": "users"}
    assert user["attributes"]["username"] is None
    assert user["attributes"]["email"] == "new@example.test"
    address = f"/organization-memberships/{created['id']}"
    assert api.get(address, owner.token)["data"] == created
    assert api.get(f"{address}?include=user", owner.token)["included"] == [user]
    # What the table has in the place of a name is none to search for.
    (row,) = [each for each in world.all(User) if each.id == user["id"]]
    assert api.get(f"{PATH}?q={row.username}", owner.token)["data"] == []
    assert api.get(f"{PATH}?q=new@example", owner.token)["data"] == [created]
    assert api.get(f"/users/{user['id']}", owner.token)["data"]["attributes"]["username"] is None
    shown = api.get(f"/teams/{team.id}", owner.token)["data"]["relationships"]
    assert shown["users"]["data"] == []
    assert [item["id"] for item in shown["organization-memberships"]["data"]] == [created["id"]]
    assert api.get(f"{PATH}?filter[status]=invited", owner.token)["data"] == [created]
    actions = [event.action for event in left_by_requests(world)]
    assert sorted(actions) == ["organization-memberships.create", "users.create"]


def test_an_account_of_that_address_is_a_member_at_once(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    ada = world.person("grace")
    api.get(f"/organizations/{acme.name}", ada.token, expect=404)
    answer = api.post(PATH, owner.token, sent("Grace@example.test"))
    assert answer["data"]["attributes"]["status"] == "active"
    assert answer["included"][0]["id"] == ada.id
    api.get(f"/organizations/{acme.name}", ada.token)


@pytest.mark.usefixtures("acme")
def test_the_invitation_is_accepted_when_the_account_is_made(app: Flask, api: Api, world: World, owner: Person) -> None:
    created = api.post(PATH, owner.token, sent())["data"]
    made = command(app, "create-user", "newbie", "New@example.test", "--organization", "acme")
    assert made.exit_code == 0, made.output
    token = made.stdout.strip()
    account = api.get("/account/details", token)["data"]
    assert account["attributes"]["username"] == "newbie"
    assert account["id"] == created["relationships"]["user"]["data"]["id"]
    assert api.get("/organization-memberships", token)["data"][0]["attributes"]["status"] == "active"
    api.get("/organizations/acme", token)
    assert len(world.all(OrganizationMembership)) == 2


@pytest.mark.usefixtures("acme")
def test_who_makes_the_address_his_own_takes_the_invitation(app: Flask, api: Api, world: World, owner: Person) -> None:
    created = api.post(PATH, owner.token, sent())["data"]
    grace = world.person("grace")
    api.patch("/account/update", grace.token, document("users", {"email": "new@example.test"}))
    api.get("/organizations/acme", grace.token, expect=404)
    assert command(app, "confirm-email", "grace").exit_code == 0
    (mine,) = api.get("/organization-memberships", grace.token)["data"]
    assert (mine["id"], mine["attributes"]["status"]) == (created["id"], "active")
    assert sorted(user.username for user in world.all(User)) == ["ada", "grace"]


@pytest.mark.usefixtures("acme")
def test_an_address_is_invited_once(api: Api, owner: Person) -> None:
    api.post(PATH, owner.token, sent())
    for email in ("NEW@example.test", "ada@example.test"):
        assert faults(api.post(PATH, owner.token, sent(email), expect=422)) == [("Email has already been taken", EMAIL)]


@pytest.mark.usefixtures("acme")
def test_two_organizations_invite_the_same_address(api: Api, world: World, owner: Person) -> None:
    world.organization("other", owner=owner)
    first = api.post(PATH, owner.token, sent())["data"]
    second = api.post(PATH.replace("acme", "other"), owner.token, sent())["data"]
    assert first["relationships"]["user"] == second["relationships"]["user"]


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("email", "detail"),
    [
        ("", "Email can't be blank"),
        (None, "Email can't be blank"),
        ("nobody", "Email is invalid"),
        (7, "Email must be a string"),
        ("a@" + "b" * 253, "Email is too long (maximum is 254 characters)"),
    ],
)
@pytest.mark.usefixtures("acme")
def test_what_is_no_address_is_refused(api: Api, world: World, owner: Person, email: Any, detail: str) -> None:
    assert faults(api.post(PATH, owner.token, sent(email), expect=422)) == [(detail, EMAIL)]
    assert len(world.all(User)) == 1


@pytest.mark.parametrize(
    ("flags", "status"),
    [
        (("manage-membership",), 201),
        (("manage-membership", "manage-teams"), 201),
        (("manage-projects", "manage-workspaces"), 404),
        ((), 404),
    ],
)
def test_who_may_invite(api: Api, world: World, acme: Organization, flags: tuple[str, ...], status: int) -> None:
    api.post(PATH, world.member(acme, world.team(acme, *flags)).token, sent(), expect=status)


def test_nobody_invites_into_teams_that_are_not_his_to_fill(api: Api, world: World, acme: Organization) -> None:
    manager = world.member(acme, world.team(acme, "manage-membership")).token
    elsewhere = world.team(world.organization("other"), visibility="organization")
    for team in (world.owners(acme), world.team(acme), elsewhere):
        api.post(PATH, manager, sent(teams=[("teams", team.id)]), expect=404)
    visible = world.team(acme, visibility="organization")
    api.post(PATH, manager, sent(teams=[("teams", visible.id)]))
    wrong: dict[str, Any]
    for wrong in ({"data": {}}, {"data": [{"type": "teams"}]}, {"data": [{"type": "users", "id": "team-1"}]}):
        body = sent("other@example.test")
        body["data"]["relationships"] = {"teams": wrong}
        api.post(PATH, manager, body, expect=422)
