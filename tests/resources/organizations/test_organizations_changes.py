"""Updating, renaming and deleting organizations."""

from typing import Any

import pytest

from app.models import (
    ActivityEvent,
    Organization,
    OrganizationMembership,
    Project,
    TagBinding,
    Team,
    TeamMember,
    TeamProject,
    User,
    Workspace,
)
from app.persistence import Base
from tests.support.activity import left_by_requests
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

METHODS = ["PATCH", "PUT"]


def update(api: Api, token: str, attributes: dict[str, Any], *, expect: int = 200, method: str = "PATCH") -> Any:
    return api.send(method, "/organizations/acme", token, document("organizations", attributes), expect=expect)


@pytest.mark.parametrize("method", METHODS)
def test_an_owner_updates_it(api: Api, world: World, acme: Organization, owner: Person, method: str) -> None:
    before = api.get("/organizations/acme", owner.token)["data"]
    shown = update(api, owner.token, {"email": "new@example.test", "session-timeout": 5}, method=method)["data"]
    assert shown["attributes"] == before["attributes"] | {"email": "new@example.test", "session-timeout": 5}
    assert api.get("/organizations/acme", owner.token)["data"] == shown
    (event,) = left_by_requests(world)
    assert (event.action, event.subject_id, event.organization_id) == ("organizations.update", acme.id, acme.id)
    assert event.changes == {"email": ["acme@example.test", "new@example.test"], "session-timeout": [None, 5]}


@pytest.mark.parametrize("method", METHODS)
def test_nobody_else_updates_it(api: Api, world: World, acme: Organization, method: str) -> None:
    every_flag = world.team(acme, "manage-teams", "manage-organization-access", "manage-membership", "manage-projects")
    for token in (world.token(acme), world.member(acme).token, world.member(acme, every_flag).token):
        update(api, token, {"email": "new@example.test"}, method=method, expect=404)
    assert left_by_requests(world) == []


@pytest.mark.usefixtures("acme")
def test_the_administrator_of_the_site_updates_it(api: Api, world: World) -> None:
    update(api, world.person(site_role="admin").token, {"email": "new@example.test"})


@pytest.mark.parametrize("body", [{"type": "organizations"}, {"type": "organizations", "attributes": {}}])
@pytest.mark.parametrize("method", METHODS)
def test_an_empty_update_changes_nothing(
    api: Api, world: World, acme: Organization, owner: Person, method: str, body: dict[str, Any]
) -> None:
    before = api.get(f"/organizations/{acme.name}", owner.token)
    assert api.send(method, "/organizations/acme", owner.token, {"data": body}, expect=200) == before
    assert left_by_requests(world) == []


def test_the_same_values_again_are_no_change(api: Api, world: World, acme: Organization, owner: Person) -> None:
    update(api, owner.token, {"name": acme.name, "email": acme.email, "session-timeout": None})
    assert left_by_requests(world) == []


# --- the name --------------------------------------------------------------------------------------------------------


def test_a_new_name_is_a_new_address(api: Api, world: World, acme: Organization, owner: Person) -> None:
    token = world.token(acme)
    shown = update(api, owner.token, {"name": "globex"})["data"]
    assert (shown["id"], shown["links"]["self"]) == ("globex", "/api/v2/organizations/globex")
    for caller in (owner.token, token):
        api.get("/organizations/acme", caller, expect=404)
        assert api.get("/organizations/globex", caller)["data"]["attributes"]["external-id"] == acme.id
    # The old name is free again.
    world.organization("acme")


def test_only_the_case_of_a_name_may_change(api: Api, acme: Organization, owner: Person) -> None:
    assert update(api, owner.token, {"name": acme.name.upper()})["data"]["id"] == "ACME"
    assert api.get("/organizations/acme", owner.token)["data"]["id"] == "ACME"


@pytest.mark.parametrize("name", ["globex", "GLOBEX"])
def test_a_name_in_use_is_refused(api: Api, world: World, acme: Organization, owner: Person, name: str) -> None:
    world.organization("Globex")
    answer = update(api, owner.token, {"name": name, "email": "new@example.test"}, expect=422)
    assert faults(answer) == [("Name has already been taken", "/data/attributes/name")]
    assert api.get(f"/organizations/{acme.name}", owner.token)["data"]["attributes"]["email"] == acme.email
    assert left_by_requests(world) == []


# --- the values ------------------------------------------------------------------------------------------------------

ACCEPTED: list[tuple[str, Any]] = [
    ("name", "abc"),
    ("name", "x" * 40),
    ("name", "A-b_9"),
    ("name", "---"),
    ("email", "a@b"),
    ("email", "x" * 249 + "@test"),
    ("email", "\u00fcmlaut+tag@example.test"),
    ("session-timeout", 0),
    ("session-timeout", 10_000_000),
    ("session-timeout", None),
    ("session-remember", 1),
    ("session-remember", None),
    ("collaborator-auth-policy", "password"),
    ("owners-team-saml-role-id", ""),
    ("owners-team-saml-role-id", None),
    ("default-execution-mode", "remote"),
    ("default-execution-mode", "local"),
    ("cost-estimation-enabled", True),
    ("aggregated-commit-status-enabled", False),
    ("speculative-plan-management-enabled", False),
    ("allow-force-delete-workspaces", True),
    ("assessments-enforced", True),
    ("user-tokens-enabled", True),
]


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(("member", "value"), ACCEPTED, ids=lambda value: str(value)[:30])
def test_a_value_is_kept(api: Api, owner: Person, member: str, value: Any) -> None:
    assert update(api, owner.token, {member: value})["data"]["attributes"][member] == value


BLANK = "can't be blank"
LISTED = "is not included in the list"
BOOLEAN = "must be true or false"
MINUTES = "must be between 0 and 10000000"
REFUSED: list[tuple[str, Any, str]] = [
    ("name", None, BLANK),
    ("name", "", BLANK),
    ("name", "   ", BLANK),
    ("name", "ab", "is too short (minimum is 3 characters)"),
    ("name", "x" * 41, "is too long (maximum is 40 characters)"),
    ("name", "two words", "is invalid"),
    ("name", "a.b.c", "is invalid"),
    ("name", "a/b", "is invalid"),
    ("name", "acm\u00e9", "is invalid"),
    ("name", "acme\n", "is invalid"),
    ("name", "\uff41\uff42\uff43", "is invalid"),
    ("email", None, BLANK),
    ("email", "", BLANK),
    ("email", "nobody", "is invalid"),
    ("email", "a@b@c", "is invalid"),
    ("email", "a b@example.test", "is invalid"),
    ("email", "@example.test", "is invalid"),
    ("email", "x" * 250 + "@test", "is too long (maximum is 254 characters)"),
    ("session-timeout", -1, MINUTES),
    ("session-timeout", 10_000_001, MINUTES),
    ("session-timeout", "5", "must be an integer"),
    ("session-timeout", 5.0, "must be an integer"),
    ("session-timeout", True, "must be an integer"),
    ("session-remember", -1, MINUTES),
    ("session-remember", 2**63, MINUTES),
    ("collaborator-auth-policy", "none", LISTED),
    ("collaborator-auth-policy", None, BLANK),
    # They would look like security, and do nothing.
    ("collaborator-auth-policy", "two_factor_mandatory", "can only be password: this service has no second factor"),
    ("owners-team-saml-role-id", "owners", "can only be null: this service has no single sign-on"),
    ("owners-team-saml-role-id", "x" * 257, "is too long (maximum is 256 characters)"),
    ("default-execution-mode", "default", LISTED),
    ("default-execution-mode", "Remote", LISTED),
    ("default-execution-mode", None, BLANK),
    ("default-execution-mode", 1, LISTED),
    ("cost-estimation-enabled", "true", BOOLEAN),
    ("send-passing-statuses-for-untriggered-speculative-plans", 1, BOOLEAN),
    ("aggregated-commit-status-enabled", None, BLANK),
    ("speculative-plan-management-enabled", [], BOOLEAN),
    ("allow-force-delete-workspaces", "yes", BOOLEAN),
    ("assessments-enforced", {}, BOOLEAN),
    ("user-tokens-enabled", 0, BOOLEAN),
]


@pytest.mark.one_database
@pytest.mark.usefixtures("acme")
def test_a_value_is_refused(api: Api, world: World, owner: Person, subtests: pytest.Subtests) -> None:
    for member, value, message in REFUSED:
        with subtests.test(member, value=value):
            words = member.replace("-", " ").capitalize()
            answer = update(api, owner.token, {member: value}, expect=422)
            assert faults(answer) == [(f"{words} {message}", f"/data/attributes/{member}")]
            assert answer["errors"][0]["title"] == "invalid attribute"
            assert left_by_requests(world) == []


POOL = "/data/attributes/default-agent-pool-id"


@pytest.mark.parametrize("via", ["attribute", "relationship"])
@pytest.mark.parametrize(
    ("mode", "detail"),
    [
        (None, "Default agent pool must not be specified unless using 'agent' execution mode"),
        ("remote", "Default agent pool must not be specified unless using 'agent' execution mode"),
        ("local", "Default agent pool must not be specified unless using 'agent' execution mode"),
        ("agent", "Default agent pool does not exist"),
    ],
)
def test_a_pool_that_is_not_there_is_refused(
    api: Api, acme: Organization, owner: Person, via: str, mode: str | None, detail: str
) -> None:
    attributes: dict[str, Any] = {"default-execution-mode": mode} if mode else {}
    if via == "attribute":
        body = document("organizations", attributes | {"default-agent-pool-id": "apool-1111111111111111"})
    else:
        body = document("organizations", attributes, default_agent_pool=("agent-pools", "apool-1111111111111111"))
    pointer = POOL if via == "attribute" else "/data/relationships/default-agent-pool"
    assert faults(api.patch(f"/organizations/{acme.name}", owner.token, body, expect=422)) == [(detail, pointer)]


def test_agents_need_a_pool(api: Api, acme: Organization, owner: Person) -> None:
    answer = update(api, owner.token, {"default-execution-mode": "agent"}, expect=422)
    assert faults(answer) == [("Default agent pool must be specified when using 'agent' execution mode", POOL)]
    # Nothing is no pool.
    body = document("organizations", {"default-execution-mode": "remote", "default-agent-pool-id": None})
    body["data"]["relationships"] = {"default-agent-pool": {"data": None}}
    shown = api.patch(f"/organizations/{acme.name}", owner.token, body)["data"]
    assert shown["attributes"]["default-execution-mode"] == "remote"
    assert shown["relationships"]["default-agent-pool"] == {"data": None}


PASSING, AGGREGATED = (
    "send-passing-statuses-for-untriggered-speculative-plans",
    "aggregated-commit-status-enabled",
)


@pytest.mark.one_database
@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("before", "sent", "at_fault"),
    [
        ({}, {PASSING: True}, PASSING),
        ({}, {PASSING: True, AGGREGATED: True}, PASSING),
        ({PASSING: True, AGGREGATED: False}, {AGGREGATED: True}, AGGREGATED),
        ({}, {PASSING: True, AGGREGATED: False}, None),
        ({AGGREGATED: False}, {PASSING: True}, None),
        ({PASSING: True, AGGREGATED: False}, {PASSING: False, AGGREGATED: True}, None),
        ({PASSING: True, AGGREGATED: False}, {"email": "new@example.test"}, None),
        ({}, {PASSING: False, AGGREGATED: False}, None),
    ],
)
def test_two_kinds_of_statuses_exclude_each_other(
    api: Api, owner: Person, before: dict[str, bool], sent: dict[str, Any], at_fault: str | None
) -> None:
    update(api, owner.token, before)
    answer = update(api, owner.token, sent, expect=422 if at_fault else 200)
    if at_fault:
        ((detail, pointer),) = faults(answer)
        assert "can't both be enabled" in detail
        assert pointer == f"/data/attributes/{at_fault}"


# --- closed to user tokens -------------------------------------------------------------------------------------------


def test_a_closed_organization_takes_no_user_tokens(api: Api, world: World, acme: Organization, owner: Person) -> None:
    token, member, admin = world.token(acme), world.member(acme), world.person(site_role="admin")
    other = world.organization("other", owner=owner)
    project = world.default_project(acme)
    shown = update(api, owner.token, {"user-tokens-enabled": False})["data"]["attributes"]
    assert shown["user-tokens-enabled"] is False
    for person in (owner, member):
        for path in ("", "/projects", "/entitlement-set"):
            answer = api.get(f"/organizations/ACME{path}", person.token, expect=401)
            assert answer["errors"][0]["title"] == "unauthorized"
        update(api, person.token, {"user-tokens-enabled": True}, expect=401)
        api.get(f"/projects/{project.id}", person.token, expect=404)
        assert "acme" not in [each["id"] for each in api.get("/organizations", person.token)["data"]]
    # The rest of their world stays open.
    assert api.get(f"/organizations/{other.name}", owner.token)
    assert api.get("/account/details", member.token)
    # So do other ways in.
    assert api.get("/organizations/acme/projects", token)["data"][0]["id"] == project.id
    update(api, admin.token, {"user-tokens-enabled": True})
    assert api.get("/organizations/acme", member.token)


# --- the end ---------------------------------------------------------------------------------------------------------

BELONGINGS = (OrganizationMembership, Project, TagBinding, Team, TeamMember, TeamProject, Workspace)


def furnish(world: World, organization: Organization) -> None:
    team, project = world.team(organization, "read-projects"), world.project(organization)
    world.member(organization, team)
    world.access(team, project, "read")
    world.tag(project, "env", "prod")
    world.workspace(project)
    world.workspace(world.default_project(organization))
    world.token(organization)


def owned(world: World, table: type[Base], organization: Organization) -> list[Any]:
    return [row for row in world.all(table) if getattr(row, "organization_id", None) == organization.id]


def test_an_owner_deletes_it_with_everything_in_it(api: Api, world: World, acme: Organization, owner: Person) -> None:
    furnish(world, acme)
    kept = world.organization("kept", owner=owner)
    furnish(world, kept)
    before = {table: len(world.all(table)) for table in BELONGINGS}
    people = len(world.all(User))
    api.delete("/organizations/ACME", owner.token)
    for path in ("/organizations/acme", "/organizations/acme/projects"):
        api.get(path, owner.token, expect=404)
    assert all(owned(world, table, acme) == [] for table in BELONGINGS)
    # Both had the same, so half of it is left; and the people stay.
    assert {table: 2 * len(world.all(table)) for table in BELONGINGS} == before
    assert len(world.all(User)) == people
    assert [each["id"] for each in api.get("/organizations", owner.token)["data"]] == ["kept"]
    api.delete("/organizations/acme", owner.token, expect=404)


def test_its_events_outlive_it(api: Api, world: World, acme: Organization, owner: Person) -> None:
    update(api, owner.token, {"email": "new@example.test"})
    api.delete("/organizations/acme", owner.token)
    events = left_by_requests(world)
    assert sorted(event.action for event in events) == ["organizations.delete", "organizations.update"]
    assert {event.organization_id for event in events} == {acme.id}
    assert {event.subject_name for event in world.all(ActivityEvent) if event.action == "organizations.delete"} == {
        "acme"
    }


def test_nobody_else_deletes_it(api: Api, world: World, acme: Organization) -> None:
    powerful = world.team(acme, "manage-teams", "manage-projects", "manage-workspaces", "manage-organization-access")
    for token in (world.token(acme), world.member(acme).token, world.member(acme, powerful).token):
        api.delete("/organizations/acme", token, expect=404)
    assert len(world.all(Organization)) == 1


def test_a_name_is_free_after_the_end(api: Api, world: World, acme: Organization, owner: Person) -> None:
    api.delete(f"/organizations/{acme.name}", owner.token)
    again = world.organization("acme", owner=owner)
    shown = api.get("/organizations/acme", owner.token)["data"]
    assert shown["attributes"]["external-id"] == again.id != acme.id
