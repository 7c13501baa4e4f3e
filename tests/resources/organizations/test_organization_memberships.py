"""Memberships over HTTP: the document, the two lists, leaving an organization."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from app.models import ActivityEvent, Organization, OrganizationMembership, TeamMember, User
from tests.support.api import Api, faults
from tests.support.world import Person, World

Statements = Callable[[], AbstractContextManager[list[str]]]

MEMBERSHIPS = "/organizations/acme/organization-memberships"
OWN = "/organization-memberships"
SECRET = "access-secret-teams"


def ids(answer: dict[str, Any]) -> set[str]:
    return {item["id"] for item in answer["data"]}


def test_a_membership_is_shown_with_every_member(api: Api, world: World, acme: Organization, owner: Person) -> None:
    first, second = world.team(acme), world.team(acme)
    member = world.member(acme, first, second, username="bob")
    membership_id = world.membership(acme, member)
    shown = api.get(f"/organization-memberships/{membership_id}", owner.token)["data"]
    assert shown["attributes"].pop("created-at").endswith("Z")
    teams = {item["id"] for item in shown["relationships"].pop("teams")["data"]}
    assert teams == {first.id, second.id}
    assert shown == {
        "id": membership_id,
        "type": "organization-memberships",
        "attributes": {"status": "active", "email": "bob@example.test"},
        "relationships": {
            "user": {"data": {"id": member.id, "type": "users"}},
            "organization": {"data": {"id": "acme", "type": "organizations"}},
        },
        "links": {"self": f"/api/v2/organization-memberships/{membership_id}"},
    }


def test_memberships_are_found(api: Api, world: World, acme: Organization, owner: Person) -> None:
    owned = world.membership(acme, owner)
    bob = world.membership(acme, world.member(acme, username="bob"))
    bo_x = world.membership(acme, world.member(acme, username="bo_x"))
    guest = world.membership(acme, world.person("guest"), status="invited")
    world.member(world.organization(), username="bobby")

    def found(query: str) -> set[str]:
        return ids(api.get(f"{MEMBERSHIPS}?{query}", owner.token))

    assert found("") == {owned, bob, bo_x, guest}
    assert found("q=BO") == {bob, bo_x}
    assert found("q=_") == {bo_x}
    assert found("q=guest@example") == {guest}
    assert found("filter[status]=invited") == {guest}
    assert found("filter[status]=active") == {owned, bob, bo_x}
    assert found("filter[status]=inactive") == set()
    assert found("filter[email]=bob@example.test,GUEST@example.test") == {bob, guest}
    assert found("filter[email]=bob@example") == set()
    assert found("filter[email]=bob@example.test&filter[status]=invited") == set()
    assert found("page[size]=3&page[number]=2") == {guest}, "who came last stands last"
    assert found("page[size]=3&page[number]=3") == set()
    by_email = api.get(f"{MEMBERSHIPS}?sort=-email", owner.token)["data"]
    assert [item["id"] for item in by_email] == [guest, bob, bo_x, owned]


def test_memberships_are_counted_by_status(api: Api, world: World, acme: Organization, owner: Person) -> None:
    world.member(acme, username="bob")
    world.membership(acme, world.person("bobs-guest"), status="invited")

    def counts(query: str) -> dict[str, int]:
        meta = api.get(f"{MEMBERSHIPS}?{query}", owner.token)["meta"]
        assert meta["pagination"]["page-size"] == 20
        found: dict[str, int] = meta["status-counts"]
        return found

    assert counts("") == {"total": 3, "active": 2, "invited": 1}
    assert counts("filter[status]=invited") == {"total": 3, "active": 2, "invited": 1}
    assert counts("q=bob") == {"total": 2, "active": 1, "invited": 1}
    assert counts("q=nobody") == {"total": 0, "active": 0, "invited": 0}


@pytest.mark.one_database
@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    "parameter",
    ["filter[status]=gone", "filter[status]=active,gone", "include=scim", "include=organization", "page[size]=x"],
)
def test_parameters_that_are_refused(api: Api, owner: Person, parameter: str) -> None:
    answer = api.get(f"{MEMBERSHIPS}?{parameter}", owner.token, expect=400)
    assert [at for _, at in faults(answer)] == [parameter.partition("=")[0]]


@pytest.mark.usefixtures("acme")
def test_how_many_addresses_can_be_asked_for(api: Api, owner: Person) -> None:
    within, beyond = ",".join(["a@b.c"] * 200), ",".join(["a@b.c"] * 201)
    assert api.get(f"{MEMBERSHIPS}?filter[email]={within}", owner.token)["data"] == []
    api.get(f"{MEMBERSHIPS}?filter[email]={beyond}", owner.token, expect=400)


@pytest.mark.one_database
@pytest.mark.parametrize("include", ["users", "organization", "user,users"])
def test_a_membership_has_no_such_include(
    api: Api, world: World, acme: Organization, owner: Person, include: str
) -> None:
    membership_id = world.membership(acme, owner)
    answer = api.get(f"/organization-memberships/{membership_id}?include={include}", owner.token, expect=400)
    assert faults(answer) == [("Invalid include parameter", "include")]


def test_users_and_teams_are_included(api: Api, world: World, acme: Organization, owner: Person) -> None:
    team = world.team(acme, "manage-policies", name="platform")
    member = world.member(acme, team, username="bob")
    membership_id = world.membership(acme, member)
    answer = api.get(f"/organization-memberships/{membership_id}?include=user,teams", owner.token)
    user, shown = answer["included"]
    assert (user["id"], user["attributes"]["username"]) == (member.id, "bob")
    assert user["attributes"]["email"] == "bob@example.test"
    # Whoever sees his address manages neither his account nor his tokens.
    assert not any(user["attributes"]["permissions"].values())
    assert shown == api.get(f"/teams/{team.id}", owner.token)["data"]
    assert "included" not in api.get(f"/organization-memberships/{membership_id}", owner.token)
    listed = api.get(f"{MEMBERSHIPS}?include=user,teams", owner.token)
    assert {item["id"] for item in listed["included"]} == {owner.id, member.id, team.id, world.owners(acme).id}


def test_own_memberships_are_listed_wherever_they_are(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    member = world.member(acme, world.team(acme, "manage-membership"))
    other = world.organization("globex", owner=member)
    invited = world.organization("initech")
    expected = {world.membership(acme, member), world.membership(other, member)}
    expected.add(world.membership(invited, member, status="invited"))
    answer = api.get(f"{OWN}?include=user,teams,organization", member.token)
    assert ids(answer) == expected, "not those of the others, whom the member may see"
    included = {(item["type"], item["id"]) for item in answer["included"]}
    assert {("users", member.id), ("organizations", "acme"), ("organizations", "globex")} <= included
    (user,) = [item for item in answer["included"] if item["id"] == member.id]
    assert user["attributes"]["permissions"]["can-manage-user-tokens"] is True
    assert ("organizations", "initech") not in included, "who is only invited does not see it yet"
    assert ids(api.get(OWN, owner.token)) == {world.membership(acme, owner)}
    assert api.get(OWN, world.person().token)["data"] == []
    assert ids(api.get(f"{OWN}?filter[status]=invited", member.token)) == {world.membership(invited, member)}


def test_an_organization_token_has_no_memberships_of_its_own(api: Api, world: World, acme: Organization) -> None:
    api.get(OWN, world.token(acme), expect=404)


# --- who may -------------------------------------------------------------------------------------------------------

MANAGING = [
    ("manage-membership",),
    ("manage-membership", "manage-teams"),
    ("manage-membership", "manage-teams", "manage-organization-access"),
]


@pytest.mark.parametrize("flags", [*MANAGING, ("manage-membership", SECRET)])
def test_who_manages_members_sees_and_removes_them(
    api: Api, world: World, acme: Organization, flags: tuple[str, ...]
) -> None:
    caller = world.member(acme, world.team(acme, *flags))
    bob = world.membership(acme, world.member(acme, world.team(acme, visibility="organization")))
    guest = world.membership(acme, world.person(), status="invited")
    assert {bob, guest} <= ids(api.get(MEMBERSHIPS, caller.token))
    for membership_id in (bob, guest):
        api.get(f"/organization-memberships/{membership_id}", caller.token)
        api.delete(f"/organization-memberships/{membership_id}", caller.token)
        api.get(f"/organization-memberships/{membership_id}", caller.token, expect=404)


@pytest.mark.parametrize("flags", [(), ("read-projects", "read-workspaces"), ("manage-policies",)])
def test_others_see_themselves_alone(api: Api, world: World, acme: Organization, flags: tuple[str, ...]) -> None:
    caller = world.member(acme, world.team(acme, *flags))
    own = world.membership(acme, caller)
    bob = world.membership(acme, world.member(acme))
    answer = api.get(MEMBERSHIPS, caller.token)
    assert ids(answer) == {own}
    assert answer["meta"]["status-counts"] == {"total": 1, "active": 1, "invited": 0}
    api.get(f"/organization-memberships/{own}", caller.token)
    api.delete(f"/organization-memberships/{own}", caller.token, expect=404)
    missing = api.get("/organization-memberships/ou-0000000000000000", caller.token, expect=404)
    assert api.get(f"/organization-memberships/{bob}", caller.token, expect=404) == missing
    assert api.delete(f"/organization-memberships/{bob}", caller.token, expect=404) == missing


def test_outsiders_see_nothing(api: Api, world: World, acme: Organization, owner: Person) -> None:
    membership_id = world.membership(acme, owner)
    for token in (world.person().token, world.owner(world.organization()).token, world.token(world.organization())):
        api.get(MEMBERSHIPS, token, expect=404)
        api.get(f"/organization-memberships/{membership_id}", token, expect=404)
        api.delete(f"/organization-memberships/{membership_id}", token, expect=404)
    invited = world.person()
    own = world.membership(acme, invited, status="invited")
    api.get(MEMBERSHIPS, invited.token, expect=404)
    api.get(f"/organization-memberships/{own}", invited.token)


@pytest.mark.parametrize("flags", MANAGING)
def test_a_secret_team_hides_and_keeps_its_members(
    api: Api, world: World, acme: Organization, owner: Person, flags: tuple[str, ...]
) -> None:
    mine = world.team(acme, *flags)
    caller = world.member(acme, mine)
    secret, visible = world.team(acme), world.team(acme, visibility="organization")
    kept = world.membership(acme, world.member(acme, secret, visible))
    shown = api.get(f"/organization-memberships/{kept}?include=teams", caller.token)
    assert shown["data"]["relationships"]["teams"]["data"] == [{"id": visible.id, "type": "teams"}]
    assert [team["id"] for team in shown["included"]] == [visible.id]
    api.delete(f"/organization-memberships/{kept}", caller.token, expect=404)
    fellow = world.membership(acme, world.member(acme, mine, visible))
    api.delete(f"/organization-memberships/{fellow}", caller.token)
    sees_all = world.member(acme, world.team(acme, *flags, SECRET))
    api.delete(f"/organization-memberships/{kept}", sees_all.token)
    assert ids(api.get(MEMBERSHIPS, owner.token)) >= {world.membership(acme, caller)}


@pytest.mark.parametrize("kind", ["owner", "organization", "site"])
def test_a_removed_user_has_nothing_left_here_and_keeps_the_account(
    api: Api, world: World, acme: Organization, owner: Person, kind: str
) -> None:
    token = {
        "owner": lambda: owner.token,
        "organization": lambda: world.token(acme),
        "site": lambda: world.person(site_role="admin").token,
    }[kind]()
    team = world.team(acme, "manage-projects", name="platform")
    member = world.member(acme, team, username="bob")
    membership_id = world.membership(acme, member)
    world.project(acme, "secret-plans")
    assert len(api.get("/organizations/acme/projects", member.token)["data"]) == 2
    api.delete(f"/organization-memberships/{membership_id}", token)
    api.get("/organizations/acme/projects", member.token, expect=404)
    api.get(f"/teams/{team.id}", member.token, expect=404)
    assert api.get(OWN, member.token)["data"] == []
    assert membership_id not in {membership.id for membership in world.all(OrganizationMembership)}
    assert [place.membership_id for place in world.all(TeamMember)] == [world.membership(acme, owner)]
    assert member.id in {user.id for user in world.all(User)}
    (event,) = [event for event in world.all(ActivityEvent) if event.action == "organization-memberships.delete"]
    assert (event.subject_id, event.organization_id) == (membership_id, acme.id)
    assert event.changes == {"username": ["bob", None], "teams": [["platform"], []]}


def test_who_manages_members_can_leave(api: Api, world: World, acme: Organization) -> None:
    caller = world.member(acme, world.team(acme, "manage-membership"))
    api.delete(f"/organization-memberships/{world.membership(acme, caller)}", caller.token)
    api.get(MEMBERSHIPS, caller.token, expect=404)


@pytest.mark.parametrize(("include", "more"), [("", 0), ("user", 1), ("user,teams", 2)])
def test_a_page_takes_the_same_statements_whatever_its_size(
    api: Api, world: World, acme: Organization, owner: Person, statements: Statements, *, include: str, more: int
) -> None:
    address = f"{MEMBERSHIPS}?include={include}"
    api.get(address, owner.token)
    with statements() as few:
        api.get(address, owner.token)
    team = world.team(acme)
    for _ in range(6):
        world.member(acme, team, world.team(acme))
    with statements() as many:
        assert len(api.get(address, owner.token)["data"]) == 7
    # The caller, the page, the linkage, the counts by status.
    assert (len(few), len(many)) == (4 + more, 4 + more)


def test_an_address_with_other_letters_is_invited_once(api: Api, acme: Organization, owner: Person) -> None:
    def invited(email: str, expect: int) -> Any:
        sent = {"data": {"type": "organization-memberships", "attributes": {"email": email}}}
        return api.post(f"/organizations/{acme.name}/organization-memberships", owner.token, sent, expect=expect)

    first = invited("JÖRG@example.test", 201)
    for again in ("JÖRG@example.test", "jÖrg@EXAMPLE.test"):
        (error,) = invited(again, 422)["errors"]
        assert (error["source"], error["detail"]) == (
            {"pointer": "/data/attributes/email"},
            "Email has already been taken",
        )
    found = api.get(
        f"/organizations/{acme.name}/organization-memberships?filter[email]=j%C3%96RG@example.test", owner.token
    )
    assert [each["id"] for each in found["data"]] == [first["data"]["id"]]
    # Not the same letters: another address.
    invited("jörg@example.test", 201)
