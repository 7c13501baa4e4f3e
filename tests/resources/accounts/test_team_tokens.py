"""The tokens of teams, and what a team may do with one."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import Engine, update

from app.models import AuthenticationToken, Organization, Team
from app.persistence import now
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.world import Person, World


@pytest.fixture
def team(world: World, acme: Organization) -> Team:
    return world.team(acme, name="platform", visibility="organization")


def sent(**attributes: Any) -> dict[str, Any]:
    return document("authentication-tokens", {name.replace("_", "-"): value for name, value in attributes.items()})


def test_a_token_is_revoked_by_its_id_in_the_place_of_the_team_s(
    api: Api, world: World, acme: Organization, owner: Person, team: Team
) -> None:
    plain = api.post(f"/teams/{team.id}/authentication-token", owner.token)["data"]
    described = api.post(f"/teams/{team.id}/authentication-tokens", owner.token, sent(description="ci"))["data"]
    of_owner = api.post(f"/users/{owner.id}/authentication-tokens", owner.token, sent(description="x"))["data"]
    of_acme = api.post(f"/organizations/{acme.name}/authentication-token", owner.token)["data"]
    for other in (of_owner["id"], of_acme["id"], "at-1111111111111111"):
        api.delete(f"/teams/{other}/authentication-token", owner.token, expect=404)
    api.delete(f"/teams/{described['id']}/authentication-token", world.member(acme).token, expect=404)
    api.delete(f"/teams/{described['id']}/authentication-token", owner.token)
    assert not works(api, described["attributes"]["token"])
    assert works(api, plain["attributes"]["token"])
    assert left_by_requests(world)[-1].action == "authentication-tokens.delete"


def works(api: Api, token: str) -> bool:
    return bool(api.raw("GET", "/account/details", token).status_int == 200)


def test_the_plain_token_is_made_shown_replaced_and_revoked(api: Api, world: World, owner: Person, team: Team) -> None:
    path = f"/teams/{team.id}/authentication-token"
    api.get(path, owner.token, expect=404)
    api.delete(path, owner.token, expect=404)
    first = api.post(path, owner.token)["data"]
    assert first["relationships"] == {
        "team": {"data": {"id": team.id, "type": "teams"}},
        "created-by": {"data": {"id": owner.id, "type": "users"}},
    }
    attributes = first["attributes"]
    assert (attributes["description"], attributes["expired-at"], attributes["last-used-at"]) == (None, None, None)
    assert works(api, attributes["token"])
    shown = api.get(path, owner.token)["data"]
    assert shown["id"] == first["id"]
    assert shown["attributes"]["token"] is None
    assert api.get(f"/authentication-tokens/{first['id']}", owner.token)["data"] == shown
    second = api.post(path, owner.token, sent(expired_at="2999-01-01T00:00:00Z"))["data"]
    assert (works(api, attributes["token"]), works(api, second["attributes"]["token"])) == (False, True)
    api.delete(path, owner.token)
    assert not works(api, second["attributes"]["token"])
    api.get(path, owner.token, expect=404)
    actions = [event.action.partition(".")[2] for event in left_by_requests(world)]
    assert sorted(actions) == ["create", "create", "delete", "delete"]


def test_many_tokens_with_descriptions(api: Api, owner: Person, team: Team) -> None:
    path = f"/teams/{team.id}/authentication-tokens"
    plain = api.post(f"/teams/{team.id}/authentication-token", owner.token)["data"]["attributes"]["token"]
    texts = [
        api.post(path, owner.token, sent(description=description))["data"]["attributes"]["token"]
        for description in ("ci", "", "deploy")
    ]
    assert all(works(api, text) for text in [plain, *texts])
    listed = api.get(path, owner.token)["data"]
    assert [item["attributes"]["description"] for item in listed] == [None, "ci", "", "deploy"]
    for description in ("ci", "", None):
        answer = api.post(path, owner.token, sent(description=description), expect=422)
        (error,) = answer["errors"]
        assert error["title"] == "invalid attributes"
        assert error["detail"] == "Validation failed: Description has already been taken"
    too_long = api.post(path, owner.token, sent(description="d" * 257), expect=422)
    assert faults(too_long) == [("Description is too long (maximum is 256 characters)", "/data/attributes/description")]
    api.post(path, owner.token, sent(description="late", expired_at="2001-01-01T00:00:00Z"), expect=422)


@pytest.mark.parametrize("sent", [b"", b"{}", b"null"])
def test_a_token_is_made_without_a_document(api: Api, owner: Person, team: Team, sent: bytes) -> None:
    for path in (f"/teams/{team.id}/authentication-token", "/organizations/acme/authentication-token"):
        made = api.raw("POST", path, owner.token, sent)
        assert made.status_int == 201
        assert made.json["data"]["attributes"]["description"] is None


def test_two_teams_may_describe_alike(api: Api, world: World, acme: Organization, owner: Person, team: Team) -> None:
    for each in (team, world.team(acme)):
        api.post(f"/teams/{each.id}/authentication-tokens", owner.token, sent(description="ci"))


def test_an_expired_token_is_none(api: Api, world: World, engine: Engine, team: Team) -> None:
    token = world.team_token(team)
    assert works(api, token)
    with engine.begin() as connection:
        connection.execute(update(AuthenticationToken).values(expired_at=now()))
    assert not works(api, token)


# --- a team as caller ----------------------------------------------------------------------------------------------


def test_a_token_acts_for_its_team(api: Api, world: World, acme: Organization, team: Team) -> None:
    project, hidden = world.project(acme, "seen"), world.project(acme, "hidden")
    world.access(team, project, "write")
    token = world.team_token(team)
    account = api.get("/account/details", token)["data"]
    assert account["attributes"]["is-service-account"] is True
    assert account["attributes"]["username"] == f"api-team_{team.id.partition('-')[2]}"
    assert account["relationships"]["authenticated-resource"]["data"] == {"id": team.id, "type": "teams"}
    names = [item["attributes"]["name"] for item in api.get("/organizations/acme/projects", token)["data"]]
    assert names == ["seen"]
    api.get(f"/projects/{hidden.id}", token, expect=404)
    assert [item["id"] for item in api.get("/organizations", token)["data"]] == ["acme"]
    tags = {"data": [{"type": "tag-bindings", "attributes": {"key": "env"}}]}
    api.post(f"/projects/{project.id}/relationships/tag-bindings", token, tags, expect=204)
    (event,) = left_by_requests(world)
    assert (event.actor_type, event.actor_id, event.actor_name) == ("teams", team.id, "platform")
    # What is a person's own is closed to it.
    api.post("/organizations", token, document("organizations", {"name": "new", "email": "a@b.c"}), expect=403)
    api.get("/organization-memberships", token, expect=404)
    api.post(f"/teams/{team.id}/authentication-token", token, expect=404)


def test_the_flags_of_the_team_count(api: Api, world: World, acme: Organization) -> None:
    token = world.team_token(world.team(acme, "manage-projects"))
    api.post("/organizations/acme/projects", token, document("projects", {"name": "new"}))


def test_the_owners_team_owns(api: Api, world: World, acme: Organization) -> None:
    token = world.team_token(world.owners(acme))
    api.patch("/organizations/acme", token, document("organizations", {"email": "new@example.test"}))
    api.post("/organizations/acme/authentication-token", token)


def test_it_keeps_working_where_tokens_of_users_do_not(api: Api, world: World) -> None:
    closed = world.organization("closed", user_tokens_enabled=False)
    api.get("/organizations/closed", world.team_token(world.team(closed)))
    api.get("/organizations/closed", world.member(closed).token, expect=401)


def test_a_team_that_goes_takes_its_tokens_along(api: Api, world: World, owner: Person, team: Team) -> None:
    token = world.team_token(team)
    api.delete(f"/teams/{team.id}", owner.token)
    assert not works(api, token)


def test_a_team_costs_as_many_statements_as_its_member(
    api: Api,
    world: World,
    acme: Organization,
    team: Team,
    statements: Callable[[], AbstractContextManager[list[str]]],
) -> None:
    for _ in range(5):
        world.access(team, world.project(acme), "read")
    for token, expected in ((world.team_token(team), 3), (world.team_token(world.owners(acme)), 2)):
        api.get("/organizations/acme", token)
        with statements() as seen:
            api.get("/organizations/acme", token)
        assert len(seen) == expected


# --- who manages them ----------------------------------------------------------------------------------------------

FLAGS = ("can-update-api-token", "can-view-api-token")
EVERYTHING = ("manage-teams", "manage-organization-access", "manage-membership", "access-secret-teams")


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("who", "visible", "secret", "own"),
    [
        ("owner", True, True, True),
        ("organization token", True, True, True),
        ("manage-teams", True, False, False),
        ("manage-organization-access", True, False, False),
        ("access-secret-teams", True, True, False),
        ("manage-membership", False, False, False),
        ("member", False, False, False),
        ("site administrator", False, False, False),
        ("stranger", False, False, False),
    ],
)
def test_who_manages_them(
    api: Api, world: World, acme: Organization, team: Team, *, who: str, visible: bool, secret: bool, own: bool
) -> None:
    needed = {
        "manage-teams": ("manage-teams", "manage-membership"),
        "manage-organization-access": ("manage-organization-access", "manage-teams", "manage-membership"),
        "access-secret-teams": EVERYTHING,
        "manage-membership": ("manage-membership",),
    }
    caller = {
        "owner": lambda: world.owner(acme).token,
        "organization token": lambda: world.token(acme),
        "member": lambda: world.member(acme).token,
        "site administrator": lambda: world.person(site_role="admin").token,
        "stranger": lambda: world.person().token,
    }.get(who, lambda: world.member(acme, world.team(acme, *needed[who])).token)()
    for each, allowed in ((team, visible), (world.team(acme), secret), (world.owners(acme), own)):
        path = f"/teams/{each.id}/authentication-token"
        held = world.team_token(each, "held")
        (its_id,) = [token.id for token in world.all(AuthenticationToken) if token.team_id == each.id]
        for method, address, status in (
            ("POST", path, 201),
            ("GET", path, 200),
            ("DELETE", path, 204),
            ("POST", f"{path}s", 201),
            ("GET", f"{path}s", 200),
            ("GET", f"/authentication-tokens/{its_id}", 200),
            ("DELETE", f"/authentication-tokens/{its_id}", 204),
        ):
            body = sent(description="another") if method == "POST" else None
            assert api.raw(method, address, caller, body).status_int == (status if allowed else 404), (method, address)
        assert works(api, held) != allowed
        shown = api.raw("GET", f"/teams/{each.id}", caller)
        if shown.status_int == 200:
            permissions = shown.json["data"]["attributes"]["permissions"]
            assert {permissions[flag] for flag in FLAGS} == {allowed}


@pytest.mark.parametrize("allowed", [True, False])
def test_members_manage_the_tokens_of_a_team_that_lets_them(
    api: Api, world: World, acme: Organization, *, allowed: bool
) -> None:
    team = world.team(acme, allow_member_token_management=allowed)
    member = world.member(acme, team).token
    path = f"/teams/{team.id}/authentication-token"
    api.post(path, member, expect=201 if allowed else 404)
    api.get(path, member, expect=200 if allowed else 404)
    api.get(f"{path}s", member, expect=200 if allowed else 404)
    # An empty list would say that no team has tokens.
    listed = api.get("/organizations/acme/team-tokens", member, expect=200 if allowed else 404)
    assert len(listed.get("data", [])) == allowed
    permissions = api.get(f"/teams/{team.id}", member)["data"]["attributes"]["permissions"]
    assert {permissions[flag] for flag in FLAGS} == {allowed}


def test_who_sees_secret_teams_does_not_reach_the_token_of_the_organization(
    api: Api, world: World, acme: Organization
) -> None:
    world.token(acme)
    manager = world.member(acme, world.team(acme, *EVERYTHING)).token
    api.get("/organizations/acme/authentication-token", manager, expect=404)
    api.post("/organizations/acme/authentication-token", manager, expect=404)
    (its_id,) = [token.id for token in world.all(AuthenticationToken) if token.kind == "organization"]
    api.delete(f"/authentication-tokens/{its_id}", manager, expect=404)


# --- all of an organization ----------------------------------------------------------------------------------------


def test_the_tokens_of_all_teams(api: Api, world: World, acme: Organization, owner: Person, team: Team) -> None:
    path = "/organizations/acme/team-tokens"
    world.token(acme)
    other = world.team(acme, name="apps")
    for each, description, expired_at in (
        (team, "never", None),
        (team, "late", "2999-01-01T00:00:00Z"),
        (other, "soon", "2099-01-01T00:00:00Z"),
    ):
        body = sent(description=description, expired_at=expired_at)
        api.post(f"/teams/{each.id}/authentication-tokens", owner.token, body)
    api.post(f"/teams/{world.team(world.organization('other', owner=owner)).id}/authentication-token", owner.token)

    def found(parameters: str = "") -> list[str]:
        return [item["attributes"]["description"] for item in api.get(f"{path}?{parameters}", owner.token)["data"]]

    assert found() == ["soon", "late", "never"]
    assert found("sort=-expired-at") == ["never", "late", "soon"]
    assert found("sort=team-name")[0] == "soon"
    assert found("q=PLAT") == ["late", "never"]
    assert found("page[size]=1&page[number]=2") == ["late"]
    assert found("filter[expiry_status]=expired") == []
    assert len(found("filter[expiry_status]=active&sort=last-used-at")) == 3
    assert len(found("sort=-created-by")) == 3
    api.get(f"{path}?sort=other", owner.token, expect=400)
    api.get(f"{path}?filter[expiry_status]=other", owner.token, expect=400)


def test_many_are_revoked_at_once_or_none(
    api: Api, world: World, acme: Organization, owner: Person, team: Team
) -> None:
    path = "/organizations/acme/team-tokens"
    texts = [world.team_token(team, f"token {number}") for number in range(3)]
    foreign = world.team_token(world.team(world.organization("other", owner=owner)))
    by_team = {token.id: token.organization_id for token in world.all(AuthenticationToken) if token.kind == "team"}
    ours = [identifier for identifier, home in by_team.items() if home == acme.id]
    theirs = [identifier for identifier, home in by_team.items() if home != acme.id]

    def revoke(token: str, *identifiers: str, expect: int) -> None:
        data = [{"type": "authentication-tokens", "id": identifier} for identifier in identifiers]
        api.delete(path, token, {"data": data}, expect=expect)

    revoke(owner.token, *ours, *theirs, expect=404)
    revoke(world.member(acme).token, *ours, expect=404)
    assert all(works(api, text) for text in [*texts, foreign])
    revoke(owner.token, *ours, expect=204)
    assert [works(api, text) for text in [*texts, foreign]] == [False, False, False, True]
    assert {event.action for event in left_by_requests(world)} == {"authentication-tokens.delete"}
    api.delete(path, owner.token, {"data": {}}, expect=422)
