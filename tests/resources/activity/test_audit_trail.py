"""The audit trail: HCP Terraform's own form of the record, for the token of an organization alone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.models import ActivityEvent, Organization, Project
from app.resources.activity.activity_events.audit_trail import singular
from tests.support.api import Api, document
from tests.support.statement_costs import Statements, cost
from tests.support.world import World

PATH = "/organization/audit-trail"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def happened(world: World, organization: Organization, minute: int, **members: Any) -> ActivityEvent:
    given = {
        "action": "projects.create",
        "actor_type": "users",
        "actor_id": "user-1",
        "actor_name": "ada",
        "subject_type": "projects",
        "subject_id": f"prj-{minute}",
        "changes": {"name": [None, "secret plans"]},
        "created_at": NOON + timedelta(minutes=minute),
        **members,
    }
    return world.add(ActivityEvent(organization_id=organization.id, **given))


def ids(found: Any) -> list[str]:
    return [each["resource"]["id"] for each in found["data"] if each["resource"]["id"].startswith("prj-")]


def test_it_has_the_form_of_hcp(api: Api, world: World, acme: Organization) -> None:
    token = world.token(acme)
    sent = document("projects", {"name": "platform"})
    made = api.raw("POST", "/organizations/acme/projects", token, sent, headers={"X-Request-Id": "the-request"})
    answered = api.raw("GET", PATH, token)
    assert answered.content_type == "application/json"
    trail = answered.json
    event = trail["data"][-1]
    UUID(event.pop("id"))
    stamped = datetime.strptime(event.pop("timestamp"), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    assert datetime.now(UTC) - stamped < timedelta(minutes=1)
    assert event == {
        "version": "0",
        "type": "Resource",
        "auth": {
            "accessor_id": acme.id,
            "description": "acme",
            "type": "Client",
            "impersonator_id": None,
            "organization_id": acme.id,
        },
        "request": {"id": "the-request"},
        "resource": {"id": made.json["data"]["id"], "type": "project", "action": "create", "meta": None},
    }
    # What commands have done to make the world is there as well.
    assert {each["auth"]["type"] for each in trail["data"][:-1]} <= {"System"}
    assert trail["pagination"] == {
        "current_page": 1,
        "page_size": 1000,
        "prev_page": None,
        "next_page": None,
        "total_pages": 1,
        "total_count": len(trail["data"]),
    }


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("type_", "action", "expected"),
    [
        ("projects", "projects.delete", ("project", "destroy")),
        ("organization-memberships", "organization-memberships.create", ("organization_user", "create")),
        ("state-versions", "state-versions.create", ("state_version", "create")),
        ("workspaces", "workspaces.force-unlock", ("workspace", "force_unlock")),
        ("authentication-tokens", "authentication-tokens.delete", ("authentication_token", "destroy")),
        ("workspace-acl-entries", "workspace-acl-entries.update", ("workspace_acl_entry", "update")),
    ],
)
def test_types_and_actions_are_spelt_as_hcp_spells_them(
    api: Api, world: World, acme: Organization, *, type_: str, action: str, expected: tuple[str, str]
) -> None:
    happened(world, acme, 1, subject_type=type_, action=action)
    [found] = [
        each["resource"] for each in api.get(PATH, world.token(acme))["data"] if each["resource"]["id"] == "prj-1"
    ]
    assert (found["type"], found["action"]) == expected
    assert singular("cells") == "cell"


def test_since_and_pages_narrow_it_oldest_first(api: Api, world: World, acme: Organization) -> None:
    for minute in range(5):
        happened(world, acme, minute)
    happened(world, world.organization(), 2)
    token = world.token(acme)
    before = "filter=ignored"
    since = "since=2026-03-01T12:01:00.000Z"
    assert ids(api.get(f"{PATH}?{before}", token)) == [f"prj-{minute}" for minute in range(5)]
    assert ids(api.get(f"{PATH}?{since}", token)) == ["prj-2", "prj-3", "prj-4"]
    # The token of the test was made after them all.
    total = len(api.get(f"{PATH}?{since}", token)["data"])
    pages = [api.get(f"{PATH}?{since}&page[size]=2&page[number]={number}", token) for number in (1, 2)]
    assert [ids(page) for page in pages] == [["prj-2", "prj-3"], ["prj-4"]]
    assert [page["pagination"]["total_count"] for page in pages] == [total, total]
    assert pages[0]["pagination"]["next_page"] == 2
    assert pages[1]["pagination"]["prev_page"] == 1
    past = api.get(f"{PATH}?page[size]=1000&page[number]=9", token)
    assert (past["data"], past["pagination"]["prev_page"]) == ([], 1)
    assert api.get(f"{PATH}?page[size]=1001", token)["pagination"]["page_size"] == 1000


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("since=yesterday", "since"),
        ("since=2026-03-01", "since"),
        ("page[size]=0", "page[size]"),
        ("page[number]=-1", "page[number]"),
    ],
)
def test_faults_name_the_parameter(api: Api, world: World, acme: Organization, query: str, parameter: str) -> None:
    [error] = api.get(f"{PATH}?{query}", world.token(acme), expect=400)["errors"]
    assert error["source"] == {"parameter": parameter}


Granted = Callable[[World, Organization, Project], str]
REFUSED: dict[str, Granted] = {
    "owner": lambda world, acme, _: world.owner(acme).token,
    "super user": lambda world, _, __: world.person(site_role="super_user").token,
    "site administrator and owner": lambda world, acme, _: _administrator(world, acme),
    "token of the owners team": lambda world, acme, _: world.team_token(world.owners(acme)),
    "project token": lambda world, _, project: world.project_token(project, "admin"),
    "member": lambda world, acme, _: world.member(acme).token,
    "outsider": lambda world, _, __: world.person().token,
}


def _administrator(world: World, acme: Organization) -> str:
    person = world.person(site_role="admin")
    world.membership(acme, person)
    return person.token


@pytest.mark.parametrize("who", REFUSED)
def test_other_tokens_find_nothing(api: Api, world: World, acme: Organization, who: str) -> None:
    token = REFUSED[who](world, acme, world.project(acme))
    assert api.get(PATH, token, expect=404) == api.get("/organization/nothing", token, expect=404)
    api.get(PATH, expect=401)


def test_the_entitlement_says_so(api: Api, world: World, acme: Organization) -> None:
    found = api.get("/organizations/acme/entitlement-set", world.token(acme))
    assert found["data"]["attributes"]["audit-logging"] is True


def test_it_costs_three_statements(api: Api, world: World, acme: Organization, statements: Statements) -> None:
    token = world.token(acme)
    api.get(PATH, token)
    assert cost(statements, api, token, ("GET", f"{PATH}?since=2026-01-01T00:00:00Z", None)) == 3
