"""The owners team: it stays as it is, it is never empty, and only owners change who is in it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask

from app.models import ActivityEvent, Organization, Team
from app.resources.organizations.teams.access import FLAGS
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

USERS = "users"
MEMBERSHIPS = "organization-memberships"
LAST = ("The owners team must keep at least one active member", "")
MANAGER = ("manage-membership", "manage-teams", "manage-organization-access", "access-secret-teams")


def users(*names: str) -> dict[str, Any]:
    return {"data": [{"type": USERS, "id": name} for name in names]}


def memberships(*ids: str) -> dict[str, Any]:
    return {"data": [{"type": MEMBERSHIPS, "id": each} for each in ids]}


@pytest.fixture
def owners(world: World, acme: Organization) -> Team:
    """The owners team of acme, which only ada is in."""
    return world.owners(acme)


def test_owners_have_every_flag_and_nobody_changes_that(api: Api, owner: Person, owners: Team) -> None:
    attributes = api.get(f"/teams/{owners.id}", owner.token)["data"]["attributes"]
    assert (attributes["name"], attributes["visibility"]) == ("owners", "organization")
    assert attributes["organization-access"] == dict.fromkeys(FLAGS, True)
    assert {flag for flag, held in attributes["permissions"].items() if held} == {
        "can-update-membership",
        "can-update-api-token",
        "can-view-api-token",
        "can-update-sso-team-id",
        "can-update-member-token-management",
    }
    api.patch(f"/teams/{owners.id}", owner.token, document("teams", attributes))
    sent = {"sso-team-id": None, "allow-member-token-management": False}
    changed = api.patch(f"/teams/{owners.id}", owner.token, document("teams", sent))["data"]["attributes"]
    assert changed == {**attributes, **sent}


@pytest.mark.parametrize(
    ("attributes", "detail"),
    [
        ({"name": "bosses"}, "The owners team cannot be renamed"),
        ({"name": "Owners"}, "The owners team cannot be renamed"),
        ({"visibility": "secret"}, "The visibility of the owners team cannot be changed"),
        (
            {"organization-access": {"manage-teams": False}},
            "The organization access of the owners team cannot be changed",
        ),
    ],
)
def test_the_owners_team_stays_as_it_is(
    api: Api, owner: Person, owners: Team, attributes: dict[str, Any], detail: str
) -> None:
    before = api.get(f"/teams/{owners.id}", owner.token)
    answer = api.patch(f"/teams/{owners.id}", owner.token, document("teams", attributes), expect=403)
    assert faults(answer) == [(detail, "")]
    assert answer["errors"][0]["title"] == "forbidden"
    assert api.get(f"/teams/{owners.id}", owner.token) == before


def test_the_owners_team_is_not_deleted(
    api: Api, world: World, acme: Organization, owner: Person, owners: Team
) -> None:
    for token in (owner.token, world.token(acme)):
        answer = api.delete(f"/teams/{owners.id}", token, expect=403)
        assert faults(answer) == [("The owners team cannot be deleted", "")]
    api.delete(f"/teams/{owners.id}", world.member(acme).token, expect=404)


def test_owners_come_and_go_but_for_the_last(
    api: Api, world: World, acme: Organization, owner: Person, owners: Team
) -> None:
    path = f"/teams/{owners.id}/relationships/users"
    token = world.token(acme)
    world.member(acme, username="bob")
    api.post(path, owner.token, users("bob"), expect=204)
    assert faults(api.delete(path, owner.token, users("ada", "bob"), expect=403)) == [LAST]
    api.delete(path, owner.token, users("ada"))
    api.delete(path, owner.token, users("bob"), expect=404)
    assert faults(api.delete(path, token, users("bob"), expect=403)) == [LAST]
    shown = api.get(f"/teams/{owners.id}?include=users", token)
    assert [user["attributes"]["username"] for user in shown["included"]] == ["bob"]


def test_an_invited_owner_is_none(api: Api, world: World, acme: Organization, owner: Person, owners: Team) -> None:
    path = f"/teams/{owners.id}/relationships/organization-memberships"
    own, invited = world.membership(acme, owner), world.membership(acme, world.person(), status="invited")
    api.post(path, owner.token, memberships(invited), expect=204)
    assert faults(api.delete(path, owner.token, memberships(own), expect=403)) == [LAST]
    api.delete(path, owner.token, memberships(invited))


@pytest.mark.parametrize(("kind", "permitted"), [("owner", True), ("organization", True), ("manager", False)])
def test_who_may_change_the_owners(
    api: Api, world: World, acme: Organization, owners: Team, *, kind: str, permitted: bool
) -> None:
    token = {
        "owner": lambda: world.owner(acme).token,
        "organization": lambda: world.token(acme),
        "manager": lambda: world.member(acme, world.team(acme, *MANAGER)).token,
    }[kind]()
    permissions = api.get(f"/teams/{owners.id}", token)["data"]["attributes"]["permissions"]
    assert permissions["can-update-membership"] is permitted
    bob = world.member(acme, username="bob")
    by_id = memberships(world.membership(acme, bob))
    status = 204 if permitted else 404
    api.post(f"/teams/{owners.id}/relationships/users", token, users("bob"), expect=status)
    api.delete(f"/teams/{owners.id}/relationships/users", token, users("bob"), expect=status)
    api.post(f"/teams/{owners.id}/relationships/organization-memberships", token, by_id, expect=status)
    api.delete(f"/teams/{owners.id}/relationships/organization-memberships", token, by_id, expect=status)
    tokens = document("teams", {"allow-member-token-management": False})
    api.patch(f"/teams/{owners.id}", token, tokens, expect=200 if permitted else 404)


# --- leaving the organization --------------------------------------------------------------------------------------


def test_an_owner_does_not_remove_himself(api: Api, world: World, acme: Organization, owner: Person) -> None:
    world.owner(acme)
    answer = api.delete(f"/organization-memberships/{world.membership(acme, owner)}", owner.token, expect=403)
    assert faults(answer) == [("You cannot remove yourself from an organization that you own", "")]


def test_an_owner_is_removed_by_another_one_but_for_the_last(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    second = world.owner(acme)
    manager = world.member(acme, world.team(acme, *MANAGER))
    api.delete(f"/organization-memberships/{world.membership(acme, owner)}", manager.token, expect=404)
    api.delete(f"/organization-memberships/{world.membership(acme, owner)}", second.token)
    api.get("/organizations/acme", owner.token, expect=404)
    last = f"/organization-memberships/{world.membership(acme, second)}"
    for token in (world.token(acme), world.person(site_role="admin").token):
        assert faults(api.delete(last, token, expect=403)) == [LAST]
    assert api.get(last, second.token)["data"]["attributes"]["status"] == "active"
    events = [event for event in world.all(ActivityEvent) if event.action == "organization-memberships.delete"]
    assert [event.changes["username"] for event in events] == [["ada", None]]


@pytest.mark.parametrize("how", ["team", "membership", "both"])
def test_two_owners_who_remove_each_other_at_once_leave_one(
    app: Flask, world: World, acme: Organization, owner: Person, owners: Team, *, how: str
) -> None:
    second, token = world.owner(acme), world.token(acme)
    start = Barrier(2)

    def remove(by: Person, whom: Person, *, from_team: bool) -> int:
        ready = Api(app)
        start.wait(5)
        if from_team:
            path = f"/teams/{owners.id}/relationships/users"
            return int(ready.raw("DELETE", path, by.token, users(whom.username)).status_int)
        return int(ready.raw("DELETE", f"/organization-memberships/{ids[whom.id]}", by.token).status_int)

    for _ in range(5):
        ids = {person.id: world.membership(acme, person) for person in (owner, second)}
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(remove, owner, second, from_team=how != "membership")
            other = pool.submit(remove, second, owner, from_team=how == "team")
        statuses = sorted([first.result(), other.result()])
        # The loser comes too late: as nobody here any more, or as the one who would take the last owner away.
        assert statuses in ([204, 403], [204, 404])
        left = Api(app).get(f"/teams/{owners.id}?include=users", token)["included"]
        assert len(left) == 1
        gone = second if left[0]["id"] == owner.id else owner
        membership_id = world.membership(acme, gone)
        path = f"/teams/{owners.id}/relationships/organization-memberships"
        Api(app).post(path, token, memberships(membership_id), expect=204)


def test_an_id_of_an_earlier_release_may_be_sent_back(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    team = world.team(acme, sso_team_id="sso-1")
    for value, expect in (("sso-1", 200), ("sso-2", 422), (None, 200), ("sso-1", 422)):
        answer = api.patch(f"/teams/{team.id}", owner.token, document("teams", {"sso-team-id": value}), expect=expect)
        if expect == 422:
            detail = "Sso team id can only be null: this service has no single sign-on"
            assert faults(answer) == [(detail, "/data/attributes/sso-team-id")]
