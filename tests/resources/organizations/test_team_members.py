"""Who joins and leaves a team, by username and by membership; the members in the documents of teams."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from app.models import ActivityEvent, Organization, Team
from tests.support.api import Api, faults
from tests.support.world import Person, World

Statements = Callable[[], AbstractContextManager[list[str]]]

USERS = "users"
MEMBERSHIPS = "organization-memberships"


def identifiers(type_: str, *ids: Any) -> dict[str, Any]:
    return {"data": [{"type": type_, "id": each} for each in ids]}


def path(team: Team, type_: str) -> str:
    return f"/teams/{team.id}/relationships/{type_}"


def members(api: Api, team: Team, token: str) -> set[str]:
    included = api.get(f"/teams/{team.id}?include=users", token)["included"]
    return {user["attributes"]["username"] for user in included}


@pytest.fixture
def team(world: World, acme: Organization) -> Team:
    """A secret team that nobody is in."""
    return world.team(acme, name="platform")


def test_members_join_and_leave_by_username(api: Api, world: World, acme: Organization, owner: Person) -> None:
    team = world.team(acme, name="platform")
    bob, eve = world.member(acme, username="bob"), world.member(acme, username="eve")
    assert api.post(path(team, USERS), owner.token, identifiers(USERS, "BOB", eve.id, "bob"), expect=204) is None
    assert members(api, team, owner.token) == {"bob", "eve"}
    assert api.delete(path(team, USERS), owner.token, identifiers(USERS, bob.id)) is None
    assert members(api, team, owner.token) == {"eve"}
    bobs, eves = world.membership(acme, bob), world.membership(acme, eve)
    events = {event.action: event for event in world.all(ActivityEvent) if event.action.startswith("teams.")}
    assert events["teams.add-members"].changes == {"members": {"bob": [None, bobs], "eve": [None, eves]}}
    assert events["teams.remove-members"].changes == {"members": {"bob": [bobs, None]}}
    assert {event.subject_name for event in events.values()} == {"platform"}


def test_members_join_and_leave_by_membership(
    api: Api, world: World, acme: Organization, owner: Person, team: Team
) -> None:
    active = world.membership(acme, world.member(acme, username="bob"))
    invited = world.membership(acme, world.person("guest"), status="invited")
    api.post(path(team, MEMBERSHIPS), owner.token, identifiers(MEMBERSHIPS, active, invited), expect=204)
    assert members(api, team, owner.token) == {"bob"}
    shown = api.get(f"/teams/{team.id}", owner.token)["data"]
    assert shown["attributes"]["users-count"] == 1
    linked = {item["id"] for item in shown["relationships"]["organization-memberships"]["data"]}
    assert linked == {active, invited}
    api.delete(path(team, MEMBERSHIPS), owner.token, identifiers(MEMBERSHIPS, active, invited))
    assert api.get(path(team, MEMBERSHIPS), owner.token)["data"] == []


def test_an_id_means_its_user_even_where_it_is_somebodys_username(
    api: Api, world: World, acme: Organization, owner: Person, team: Team
) -> None:
    bob = world.member(acme, username="bob")
    world.member(acme, username=bob.id)
    api.post(path(team, USERS), owner.token, identifiers(USERS, bob.id), expect=204)
    assert members(api, team, owner.token) == {"bob"}


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("type_", [USERS, MEMBERSHIPS])
def test_an_empty_list_changes_nothing(api: Api, world: World, owner: Person, team: Team, type_: str) -> None:
    api.post(path(team, type_), owner.token, {"data": []}, expect=204)
    api.delete(path(team, type_), owner.token, {"data": []})
    assert not [event for event in world.all(ActivityEvent) if event.action.endswith("-members")]


@pytest.mark.one_database
@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("nobody", "nobody does not exist"),
        ("user-0000000000000000", "user-0000000000000000 does not exist"),
        ("stranger", "stranger is not a member of the organization"),
        ("", "id can't be blank"),
        (" ", "id can't be blank"),
        (None, "id can't be blank"),
        (7, "id can't be blank"),
    ],
)
def test_users_who_are_no_members(
    api: Api, world: World, acme: Organization, owner: Person, team: Team, *, method: str, name: Any, detail: str
) -> None:
    world.person("stranger")
    inside, outside = world.member(acme, username="bob"), world.member(acme, username="eve")
    api.post(path(team, USERS), owner.token, identifiers(USERS, inside.username), expect=204)
    right = inside if method == "DELETE" else outside
    answer = api.send(method, path(team, USERS), owner.token, identifiers(USERS, right.username, name), expect=400)
    assert faults(answer) == [(detail, "/data/1/id")]
    assert answer["errors"][0]["title"] == "bad request"
    assert members(api, team, owner.token) == {"bob"}, "all or none"


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_memberships_of_another_organization_do_not_exist(
    api: Api, world: World, owner: Person, team: Team, method: str
) -> None:
    foreign = world.membership(world.organization(), world.person())
    for given in (foreign, "ou-0000000000000000"):
        wrong = identifiers(MEMBERSHIPS, given)
        answer = api.send(method, path(team, MEMBERSHIPS), owner.token, wrong, expect=400)
        assert faults(answer) == [(f"{given} does not exist", "/data/0/id")]


def test_who_is_in_a_team_cannot_join_and_who_is_not_cannot_leave(
    api: Api, world: World, acme: Organization, owner: Person, team: Team
) -> None:
    bob = world.member(acme, team, username="bob")
    world.member(acme, username="eve")
    again = api.post(path(team, USERS), owner.token, identifiers(USERS, "eve", "bob"), expect=400)
    assert faults(again) == [("bob is already a member of the team", "/data/1/id")]
    by_id = identifiers(MEMBERSHIPS, world.membership(acme, bob))
    alone = api.post(path(team, MEMBERSHIPS), owner.token, by_id, expect=400)
    assert faults(alone) == [("bob is already a member of the team", "/data/0/id")]
    absent = api.delete(path(team, USERS), owner.token, identifiers(USERS, "bob", "eve"), expect=400)
    assert faults(absent) == [("eve is not a member of the team", "/data/1/id")]
    assert members(api, team, owner.token) == {"bob"}


@pytest.mark.one_database
@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(("type_", "wrong"), [(USERS, MEMBERSHIPS), (USERS, ""), (MEMBERSHIPS, USERS)])
def test_linkage_of_another_type(api: Api, owner: Person, team: Team, *, method: str, type_: str, wrong: str) -> None:
    answer = api.send(method, path(team, type_), owner.token, identifiers(wrong, "ada"), expect=400)
    assert faults(answer) == [(f"type must be {type_}", "/data/0/type")]


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({}, ""),
        ({"data": None}, "/data"),
        ({"data": {"type": USERS, "id": "ada"}}, "/data"),
        ({"data": ["ada"]}, "/data/0"),
    ],
)
def test_linkage_that_is_no_list(api: Api, owner: Person, team: Team, sent: Any, pointer: str) -> None:
    answer = api.post(path(team, USERS), owner.token, sent, expect=422)
    assert [at for _, at in faults(answer)] == [pointer]


def test_how_many_can_join_at_once(api: Api, owner: Person, team: Team) -> None:
    within = identifiers(USERS, *(f"user-{number}" for number in range(1_000)))
    assert faults(api.post(path(team, USERS), owner.token, within, expect=400)) == [
        ("user-0 does not exist", "/data/0/id")
    ]
    beyond = identifiers(USERS, *(f"user-{number}" for number in range(1_001)))
    answer = api.post(path(team, USERS), owner.token, beyond, expect=422)
    assert faults(answer) == [("data must not have more than 1000 items", "/data")]


# --- who may -------------------------------------------------------------------------------------------------------

SECRET = "access-secret-teams"
#        flags                                        visible, secret, own secret
RIGHTS = [
    ((), False, False, False),
    (("manage-workspaces", "manage-projects"), False, False, False),
    (("manage-membership",), True, False, True),
    (("manage-membership", SECRET), True, True, True),
    (("manage-membership", "manage-teams"), True, False, True),
    (("manage-membership", "manage-teams", "manage-organization-access"), True, False, True),
    (("manage-membership", "manage-teams", "manage-organization-access", SECRET), True, True, True),
]


@pytest.mark.parametrize(("flags", "visible", "secret", "own"), RIGHTS)
def test_which_members_may(
    api: Api,
    world: World,
    acme: Organization,
    owner: Person,
    *,
    flags: tuple[str, ...],
    visible: bool,
    secret: bool,
    own: bool,
) -> None:
    mine = world.team(acme, *flags)
    caller = world.member(acme, mine)
    bob = world.member(acme, username="bob")
    by_id = identifiers(MEMBERSHIPS, world.membership(acme, bob))
    cases = [(world.team(acme, visibility="organization"), visible), (world.team(acme), secret), (mine, own)]
    for team, permitted in cases:
        status = 204 if permitted else 404
        api.post(path(team, USERS), caller.token, identifiers(USERS, "bob"), expect=status)
        assert ("bob" in members(api, team, owner.token)) is permitted
        api.delete(path(team, USERS), caller.token, identifiers(USERS, "bob"), expect=status)
        api.post(path(team, MEMBERSHIPS), caller.token, by_id, expect=status)
        api.delete(path(team, MEMBERSHIPS), caller.token, by_id, expect=status)


@pytest.mark.parametrize(("kind", "status"), [("organization", 204), ("site", 204), ("outsider", 404), ("other", 404)])
def test_which_others_may(api: Api, world: World, acme: Organization, team: Team, *, kind: str, status: int) -> None:
    token = {
        "organization": lambda: world.token(acme),
        "site": lambda: world.person(site_role="admin").token,
        "outsider": lambda: world.person().token,
        "other": lambda: world.owner(world.organization()).token,
    }[kind]()
    world.member(acme, username="bob")
    api.post(path(team, USERS), token, identifiers(USERS, "bob"), expect=status)
    api.get(path(team, MEMBERSHIPS), token, expect=200 if status == 204 else 404)


# --- listing -------------------------------------------------------------------------------------------------------


def test_memberships_of_a_team_are_listed(
    api: Api, world: World, acme: Organization, owner: Person, team: Team
) -> None:
    world.member(acme)
    active = [world.membership(acme, world.member(acme, team)) for _ in range(2)]
    invited = world.membership(acme, world.person(), status="invited")
    api.post(path(team, MEMBERSHIPS), owner.token, identifiers(MEMBERSHIPS, invited), expect=204)

    def found(query: str = "") -> list[str]:
        return [item["id"] for item in api.get(f"{path(team, MEMBERSHIPS)}?{query}", owner.token)["data"]]

    assert set(found()) == {*active, invited}
    assert set(found("filter[status]=active")) == set(active)
    assert found("filter[status]=invited") == [invited]
    assert set(found("filter[status]=invited,active")) == {*active, invited}
    assert found("filter[status]=inactive") == []
    assert found("filter[is_service_account]=true") == []
    assert len(found("filter[is_service_account]=false")) == 3
    assert found("sort=status")[-1] == invited
    assert found("sort=-status")[0] == invited
    assert found("sort=-status&page[size]=1&page[number]=1") == [invited]
    assert found("page[size]=2&page[number]=3") == []


@pytest.mark.one_database
@pytest.mark.parametrize(
    "parameter", ["filter[status]=gone", "filter[is_service_account]=1", "sort=name", "page[number]=-1"]
)
def test_parameters_that_are_refused(api: Api, owner: Person, team: Team, parameter: str) -> None:
    answer = api.get(f"{path(team, MEMBERSHIPS)}?{parameter}", owner.token, expect=400)
    assert [at for _, at in faults(answer)] == [parameter.partition("=")[0]]


def test_a_member_sees_who_is_in_a_team_but_only_his_own_membership(api: Api, world: World, acme: Organization) -> None:
    team = world.team(acme, visibility="organization")
    member = world.member(acme, team)
    other = world.member(acme, team)
    own = world.membership(acme, member)
    assert [item["id"] for item in api.get(path(team, MEMBERSHIPS), member.token)["data"]] == [own]
    shown = api.get(f"/teams/{team.id}?include=users,organization-memberships", member.token)
    assert {item["id"] for item in shown["data"]["relationships"]["users"]["data"]} == {member.id, other.id}
    included = {(item["type"], item["id"]) for item in shown["included"]}
    assert included == {("users", member.id), ("users", other.id), (MEMBERSHIPS, own)}
    assert [item["attributes"]["email"] for item in shown["included"] if item["type"] == USERS] == [None, None]


@pytest.mark.one_database
@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("include", ["projects", "users,teams", "organization"])
def test_includes_that_teams_do_not_have(api: Api, owner: Person, team: Team, include: str) -> None:
    for address in (f"/teams/{team.id}", "/organizations/acme/teams"):
        answer = api.get(f"{address}?include={include}", owner.token, expect=400)
        assert faults(answer) == [("Invalid include parameter", "include")]


def test_included_resources_are_complete_and_there_once(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    first, second = world.team(acme), world.team(acme)
    member = world.member(acme, first, second)
    answer = api.get("/organizations/acme/teams?include=users,organization_memberships", owner.token)
    membership_id = world.membership(acme, member)
    (membership,) = [item for item in answer["included"] if item["id"] == membership_id]
    assert membership == api.get(f"/organization-memberships/{membership_id}", owner.token)["data"]
    assert {item["id"] for item in membership["relationships"]["teams"]["data"]} == {first.id, second.id}
    assert len(answer["included"]) == 4
    assert "included" not in api.get("/organizations/acme/teams", owner.token)


@pytest.mark.parametrize(("include", "more"), [("", 0), ("users", 1), ("users,organization-memberships", 2)])
def test_a_page_takes_the_same_statements_whatever_its_size(
    api: Api, world: World, acme: Organization, owner: Person, statements: Statements, *, include: str, more: int
) -> None:
    address = f"/organizations/acme/teams?include={include}"
    api.get(address, owner.token)
    with statements() as few:
        api.get(address, owner.token)
    for _ in range(5):
        team = world.team(acme)
        for _ in range(3):
            world.member(acme, team)
    with statements() as many:
        assert len(api.get(address, owner.token)["data"]) == 6
    # The caller, the page, the linkage.
    assert (len(few), len(many)) == (3 + more, 3 + more)
