"""Who sees which organizations, and what they look like."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from app.models import Organization
from tests.support.api import Api, document
from tests.support.world import Person, World

# What the service does not have: not even an owner may do it, and clients look for the flags all the same.
ABSENT = {
    "can-create-module",
    "can-create-project-in-hcp",
    "can-create-provider",
    "can-create-workspace-migration",
    "can-deploy-no-code-modules",
    "can-enable-stacks",
    "can-manage-assessments",
    "can-manage-auditing",
    "can-manage-custom-providers",
    "can-manage-groups-in-hcp",
    "can-manage-no-code-modules",
    "can-manage-org-public-modules",
    "can-manage-org-public-providers",
    "can-manage-public-modules",
    "can-manage-public-providers",
    "can-manage-sso",
    "can-manage-subscription",
    "can-read-assessments",
    "can-start-trial",
    "can-update-hyok-configuration",
    "can-update-oauth",
    "can-update-sentinel",
    "can-view-explorer",
    "can-view-hyok-feature-info",
    "can-view-usage",
}


def names(answer: dict[str, Any]) -> list[str]:
    return [each["id"] for each in answer["data"]]


# --- the list --------------------------------------------------------------------------------------------------------


def test_people_see_the_organizations_they_belong_to(api: Api, world: World) -> None:
    mine, other, invited = (world.organization(name) for name in ("mine", "other", "invited"))
    ada = world.member(mine)
    world.membership(invited, ada, status="invited")
    assert names(api.get("/organizations", ada.token)) == ["mine"]
    world.membership(other, ada)
    assert names(api.get("/organizations", ada.token)) == ["mine", "other"]
    assert names(api.get("/organizations", world.person().token)) == []


def test_the_administrator_of_the_site_sees_all_of_them(api: Api, world: World) -> None:
    for name in ("b-org", "A-org", "c_org"):
        world.organization(name)
    assert names(api.get("/organizations", world.person(site_role="admin").token)) == ["A-org", "b-org", "c_org"]


def test_an_organizations_token_sees_its_own(api: Api, world: World, acme: Organization) -> None:
    world.organization("other")
    assert names(api.get("/organizations", world.token(acme))) == ["acme"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=ACM", ["acme", "acme_two"]),
        ("q=@umbrella", ["globex"]),
        ("q[name]=glo", ["globex"]),
        ("q[name]=umbrella", []),
        ("q[email]=umbrella", ["globex"]),
        ("q[email]=Acme", ["acme", "acme_two"]),
        ("q[name]=acme&q[email]=two", ["acme_two"]),
        ("q[name]=acme&q[email]=umbrella", []),
        # q wins over the other two.
        ("q=globex&q[name]=acme", ["globex"]),
        ("q=&q[name]=globex", ["globex"]),
        ("q=_", ["acme_two"]),
        ("q=%25", []),
        ("q=%5C", []),
        ("q=nothing", []),
        ("q=", ["acme", "acme_two", "globex"]),
        ("q%5Bname%5D=acme_", ["acme_two"]),
    ],
)
def test_the_list_is_searched_by_name_and_address(api: Api, world: World, query: str, expected: list[str]) -> None:
    ada = world.person()
    for name, email in (
        ("acme", "ops@acme.test"),
        ("acme_two", "two@acme.test"),
        ("globex", "ops@umbrella.test"),
    ):
        world.organization(name, owner=ada, email=email)
    assert names(api.get(f"/organizations?{query}", ada.token)) == expected


def test_the_list_may_include_entitlement_sets(api: Api, world: World, acme: Organization, owner: Person) -> None:
    other = world.organization("other", owner=owner)
    answer = api.get("/organizations?include=entitlement_set", owner.token)
    assert [each["id"] for each in answer["included"]] == [acme.id, other.id]
    answer = api.get("/organizations?include=default-project", owner.token, expect=400)
    assert "include parameter" in answer["errors"][0]["detail"]


# --- one -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["acme", "ACME", "aCmE"])
def test_an_organization_is_addressed_without_regard_to_case(
    api: Api, acme: Organization, owner: Person, address: str
) -> None:
    shown = api.get(f"/organizations/{address}", owner.token)["data"]
    assert (shown["id"], shown["attributes"]["external-id"]) == ("acme", acme.id)
    assert shown["links"] == {"self": "/api/v2/organizations/acme"}


def test_a_new_organization_looks_like_this(api: Api, world: World, acme: Organization, owner: Person) -> None:
    shown = api.get("/organizations/acme", owner.token)["data"]
    attributes = shown["attributes"]
    permissions = attributes.pop("permissions")
    assert datetime.fromisoformat(attributes.pop("created-at")) == acme.created_at
    assert attributes == {
        "name": "acme",
        "email": "acme@example.test",
        "external-id": acme.id,
        "max-concurrent-runs": None,
        "session-timeout": None,
        "session-remember": None,
        "collaborator-auth-policy": "password",
        "cost-estimation-enabled": False,
        "send-passing-statuses-for-untriggered-speculative-plans": False,
        "aggregated-commit-status-enabled": True,
        "speculative-plan-management-enabled": True,
        "allow-force-delete-workspaces": False,
        "assessments-enforced": False,
        "default-execution-mode": "local",
        "owners-team-saml-role-id": None,
        "user-tokens-enabled": True,
        "plan-expired": False,
        "plan-is-trial": False,
        "plan-is-enterprise": False,
        "plan-expires-at": None,
        "plan-identifier": "groundplan",
        "fair-run-queuing-enabled": False,
        "saml-enabled": False,
        "two-factor-conformant": False,
        "is-in-degraded-mode": False,
        "is-unified": False,
        "hcp-id": None,
        "stacks-default-execution-mode": "remote",
        "stacks-enabled": False,
        "over-stacks-resource-limit": False,
        "test-generation-enabled": False,
        "recoverable-items-enabled": False,
        "remaining-testable-count": 5,
        "max-ttl-enabled": False,
        "enforce-hyok": False,
    }
    assert all(isinstance(flag, bool) for flag in permissions.values())
    assert {flag for flag, held in permissions.items() if not held} == ABSENT
    project = world.default_project(acme)
    assert shown["relationships"] == {
        "default-agent-pool": {"data": None},
        "stacks-default-agent-pool": {"data": None},
        "default-project": {
            "data": {"id": project.id, "type": "projects"},
            "links": {"related": f"/api/v2/projects/{project.id}"},
        },
        "entitlement-set": {
            "data": {"id": acme.id, "type": "entitlement-sets"},
            "links": {"related": "/api/v2/organizations/acme/entitlement-set"},
        },
        "subscription": {"links": {"related": "/api/v2/organizations/acme/subscription"}},
        "authentication-token": {"links": {"related": "/api/v2/organizations/acme/authentication-token"}},
        "audit-trails-authentication-token": {
            "links": {"related": "/api/v2/organizations/acme/authentication-token?token=audit-trails"}
        },
    }


# (who, what that one may do of: update, destroy, traverse, create a team, a project, manage users, the token)
PERMISSIONS = {
    "owner": (True, True, True, True, True, True, True),
    "organization": (False, False, True, True, True, True, True),
    "member": (False, False, True, False, False, False, False),
    "team manager": (False, False, True, True, False, True, False),
    "site administrator": (True, True, True, True, True, True, False),
}
FLAGS = (
    "can-update",
    "can-destroy",
    "can-traverse",
    "can-create-team",
    "can-create-project",
    "can-manage-users",
    "can-update-authentication-token",
)


@pytest.mark.parametrize(("who", "expected"), PERMISSIONS.items(), ids=PERMISSIONS.keys())
def test_the_flags_tell_what_the_caller_may_do(
    api: Api, world: World, acme: Organization, owner: Person, who: str, expected: tuple[bool, ...]
) -> None:
    token = {
        "owner": lambda: owner.token,
        "organization": lambda: world.token(acme),
        "member": lambda: world.member(acme).token,
        "team manager": lambda: world.member(acme, world.team(acme, "manage-teams")).token,
        "site administrator": lambda: world.person(site_role="admin").token,
    }[who]()
    permissions = api.get("/organizations/acme", token)["data"]["attributes"]["permissions"]
    assert tuple(permissions[flag] for flag in FLAGS) == expected
    listed = api.get("/organizations?q=acme", token)["data"][0]["attributes"]["permissions"]
    assert listed == permissions


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("who", "may"),
    [
        ("owner", True),
        ("organization", True),
        ("site administrator", True),
        ("manage-projects", True),
        ("manage-workspaces", True),
        ("maintainer of a project", True),
        ("who may create in a project", True),
        ("member in a cell", True),
        ("token of a project", True),
        ("member in no cell", False),
        ("reader of a project", False),
        ("administrator of a workspace", False),
        ("viewing token of a project", False),
        ("read-projects", False),
        ("administrator of another organization's project", False),
    ],
)
def test_one_place_is_enough_to_create_workspaces(
    api: Api, world: World, acme: Organization, who: str, *, may: bool
) -> None:
    project, team = world.project(acme), world.team(acme)
    person = world.member(acme, team)
    # A token, or something that the person of the team gets.
    makers: dict[str, Callable[[], Any]] = {
        "owner": lambda: world.owner(acme).token,
        "organization": lambda: world.token(acme),
        "site administrator": lambda: world.person(site_role="admin").token,
        "manage-projects": lambda: world.member(acme, world.team(acme, who)).token,
        "manage-workspaces": lambda: world.member(acme, world.team(acme, who)).token,
        "maintainer of a project": lambda: world.access(team, project, "maintain"),
        "who may create in a project": lambda: world.access(team, project, "custom", {"create": True}),
        "member in a cell": lambda: world.project_member(project, person, "member", cells=["eu"]),
        "member in no cell": lambda: world.project_member(project, person, "member", cells=[]),
        "token of a project": lambda: world.project_token(project, "member"),
        "reader of a project": lambda: world.access(team, project, "read"),
        "administrator of a workspace": lambda: world.workspace_access(team, world.workspace(project), "admin"),
        "viewing token of a project": lambda: world.project_token(project, "viewer"),
        "read-projects": lambda: world.member(acme, world.team(acme, who)).token,
        "administrator of another organization's project": lambda: world.project_member(
            world.project(world.organization()), person, "admin"
        ),
    }
    given = makers[who]()
    token = given if isinstance(given, str) else person.token
    shown = api.get("/organizations/acme", token)["data"]["attributes"]["permissions"]
    assert shown["can-create-workspace"] is may
    # It says that there is a place, and opens no other one.
    everywhere = who in {"owner", "organization", "site administrator", "manage-projects"}
    sent = document("workspaces", {"name": "elsewhere"}, project=("projects", world.project(acme).id))
    api.post("/organizations/acme/workspaces", token, sent, expect=201 if everywhere else 422)


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        ("entitlement_set", ["entitlement-sets"]),
        ("entitlement-set", ["entitlement-sets"]),
        ("default_project", ["projects"]),
        ("default-project,entitlement_set", ["entitlement-sets", "projects"]),
    ],
)
def test_related_resources_are_included_when_asked_for(
    api: Api, acme: Organization, owner: Person, include: str, expected: list[str]
) -> None:
    answer = api.get(f"/organizations/{acme.name}?include={include}", owner.token)
    assert [each["type"] for each in answer["included"]] == expected
    linked = answer["data"]["relationships"]
    for each in answer["included"]:
        relationship = "default-project" if each["type"] == "projects" else "entitlement-set"
        assert linked[relationship]["data"] == {"id": each["id"], "type": each["type"]}


def test_nothing_is_included_unless_asked_for(api: Api, acme: Organization, owner: Person) -> None:
    assert "included" not in api.get(f"/organizations/{acme.name}", owner.token)


def test_who_may_not_see_the_default_project_gets_the_organization_without_it(
    api: Api, world: World, acme: Organization
) -> None:
    answer = api.get("/organizations/acme?include=default_project", world.member(acme).token)
    assert answer["included"] == []


@pytest.mark.one_database
@pytest.mark.parametrize("include", ["subscriptions", "users", "default_project,users", "projects."])
def test_an_unknown_include_is_refused(api: Api, acme: Organization, owner: Person, include: str) -> None:
    answer = api.get(f"/organizations/{acme.name}?include={include}", owner.token, expect=400)
    (error,) = answer["errors"]
    assert (error["title"], error["source"]) == ("bad request", {"parameter": "include"})
    assert "include parameter" in error["detail"]


def test_the_entitlement_set_tells_what_there_is(api: Api, world: World, acme: Organization) -> None:
    shown = api.get("/organizations/ACME/entitlement-set", world.member(acme).token)["data"]
    assert (shown["id"], shown["type"]) == (acme.id, "entitlement-sets")
    assert shown["links"] == {"self": f"/api/v2/entitlement-sets/{acme.id}"}
    attributes = shown["attributes"]
    there = {
        "agents",
        "audit-logging",
        "global-run-tasks",
        "operations",
        "policy-enforcement",
        "run-tasks",
        "state-storage",
        "teams",
    }
    assert {name for name, value in attributes.items() if value is True} == there
    assert all(value is None for name, value in attributes.items() if name.endswith("-limit"))
    assert {"operations", "agents", "sentinel", "policy-enforcement", "user-limit", "policy-limit"} <= set(attributes)


def test_strangers_see_nothing_of_it(api: Api, world: World, acme: Organization) -> None:
    stranger = world.person().token
    foreign = world.token(world.organization("other"))
    for token in (stranger, foreign):
        for path in ("", "/entitlement-set", "/authentication-token"):
            api.get(f"/organizations/{acme.name}{path}", token, expect=404)
        api.patch("/organizations/acme", token, document("organizations", {"email": "x@example.test"}), expect=404)
        api.delete("/organizations/acme", token, expect=404)
