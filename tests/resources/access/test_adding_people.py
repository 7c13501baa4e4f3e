"""People are added by username or e-mail address, and found by those who may add them."""

from collections.abc import Callable
from typing import Any

import pytest

from app.models import Organization, Project, ProjectMember, WorkspaceAclEntry
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

ORGANIZATION = "/organizations/acme/organization-memberships"


@pytest.fixture
def grace(world: World, acme: Organization) -> Person:
    return world.member(acme, username="grace")


@pytest.fixture
def lead(world: World, project: Project) -> Person:
    """Owns the project, and nothing else."""
    person = world.person("lead")
    world.project_member(project, person, "owner")
    return person


WAYS: dict[str, Callable[[Person], tuple[dict[str, Any], dict[str, Any]]]] = {
    "id": lambda person: ({}, {"user": ("users", person.id)}),
    "username": lambda _: ({"username": "GRACE"}, {}),
    "email": lambda _: ({"email": "Grace@example.test"}, {}),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_person_is_named_in_three_ways(
    api: Api, world: World, project: Project, lead: Person, grace: Person, way: str
) -> None:
    attributes, related = WAYS[way](grace)
    members = f"/projects/{project.id}/members"
    sent = document("project-members", {"role": "viewer", **attributes}, **related)
    made = api.post(members, lead.token, sent)["data"]
    assert made["relationships"]["user"]["data"]["id"] == grace.id
    api.post(members, lead.token, sent, expect=422)
    workspace = world.workspace(project)
    sent = document("workspace-acl-entries", {"level": "user", **attributes}, **related)
    api.post(f"/workspaces/{workspace.id}/acl", lead.token, sent)
    assert len(world.all(WorkspaceAclEntry)) == 1
    sent = document("project-members", attributes, **related)
    api.post(f"/projects/{project.id}/actions/transfer-ownership", lead.token, sent, expect=200)
    assert {each.role for each in world.all(ProjectMember)} == {"owner", "admin"}


@pytest.mark.parametrize(
    ("attributes", "related", "pointer"),
    [
        ({}, {}, "/data/relationships/user"),
        ({"username": "grace", "email": "grace@example.test"}, {}, "/data/relationships/user"),
        ({"username": "nobody"}, {}, "/data/attributes/username"),
        ({"username": "outsider"}, {}, "/data/attributes/username"),
        ({"email": "outsider@example.test"}, {}, "/data/attributes/email"),
        ({"email": "invited@example.test"}, {}, "/data/attributes/email"),
        ({"email": "grace"}, {}, "/data/attributes/email"),
        ({"username": ""}, {}, "/data/attributes/username"),
        ({}, {"user": ("users", "user-1111111111111111")}, "/data/relationships/user"),
    ],
)
def test_only_members_are_added(
    api: Api,
    world: World,
    acme: Organization,
    project: Project,
    lead: Person,
    grace: Person,
    attributes: dict[str, Any],
    related: dict[str, Any],
    pointer: str,
) -> None:
    world.person("outsider")
    world.membership(acme, world.person("invited"), status="invited")
    sent = document("project-members", {"role": "viewer", **attributes}, **related)
    answer = api.post(f"/projects/{project.id}/members", lead.token, sent, expect=422)
    assert [where for _, where in faults(answer)] == [pointer]
    assert len(world.all(ProjectMember)) == 1
    assert grace.id


# --- finding -------------------------------------------------------------------------------------------------------


def found(api: Api, token: str, query: str = "") -> list[str]:
    listed = api.get(f"{ORGANIZATION}?include=user&{query}", token)
    names = {each["id"]: each["attributes"]["username"] for each in listed["included"] if each["type"] == "users"}
    return [names[each["relationships"]["user"]["data"]["id"]] for each in listed["data"]]


def test_whoever_may_add_people_finds_them(
    api: Api, world: World, acme: Organization, lead: Person, grace: Person
) -> None:
    world.membership(acme, world.person("invited"), status="invited")
    assert found(api, lead.token) == ["ada", "lead", "grace"]
    for query, names in (
        ("q=RAC", ["grace"]),
        ("q=Grace@example.test", ["grace"]),
        ("filter[email]=grace@example.test,ada@example.test", ["ada", "grace"]),
        # A part of an address would let it be guessed letter by letter.
        ("q=grace@example", []),
        ("q=example.test", []),
        ("q=invited", []),
        ("q=%25", []),
    ):
        assert found(api, lead.token, query) == names, query
    listed = api.get(f"{ORGANIZATION}?include=user", lead.token)
    emails = {each["attributes"]["email"] for each in (*listed["data"], *listed["included"])}
    assert emails == {None, "lead@example.test"}
    assert grace.username in str(listed)


def test_who_finds_people_learns_of_no_invited_ones(
    api: Api, world: World, acme: Organization, lead: Person, grace: Person
) -> None:
    world.membership(acme, world.person("invited"), status="invited")
    for query, names, active in (
        ("filter[status]=active", ["ada", "lead", "grace"], 3),
        ("filter[status]=active,invited", ["ada", "lead", "grace"], 3),
        ("filter[status]=invited", [], 3),
        ("filter[status]=inactive", [], 3),
        ("filter[status]=invited&q=grace", [], 1),
        ("filter[is_service_account]=false", ["ada", "lead", "grace"], 3),
        ("filter[is_service_account]=true", [], 0),
    ):
        assert found(api, lead.token, query) == names, query
        counts = api.get(f"{ORGANIZATION}?{query}", lead.token)["meta"]["status-counts"]
        assert counts == {"total": active, "active": active, "invited": 0}, query
    assert grace.username in found(api, lead.token)
    for parameter in ("filter[status]", "filter[is_service_account]"):
        answer = api.get(f"{ORGANIZATION}?{parameter}=bogus", lead.token, expect=400)
        assert answer["errors"][0]["source"] == {"parameter": parameter}


def made(world: World, acme: Organization, project: Project, who: str) -> str:
    person = world.member(acme)
    kind, _, role = who.partition(" ")
    if kind == "project":
        world.project_member(project, person, role)
    elif kind == "scoped":
        world.project_member(project, person, role, environment=world.environment(project))
    elif kind == "level":
        world.acl_entry(world.workspace(project), person, role)
    elif kind == "team":
        team = world.team(acme)
        world.access(team, project, role)
        person = world.member(acme, team)
    elif kind == "flag":
        person = world.member(acme, world.team(acme, role))
    elif kind == "token":
        return world.project_token(project, role)
    return person.token


@pytest.mark.parametrize(
    ("who", "finds"),
    [
        ("project owner", True),
        ("project admin", True),
        ("project member", False),
        ("project viewer", False),
        ("scoped admin", True),
        ("scoped member", False),
        ("level owner", True),
        ("level admin", True),
        ("level developer", False),
        ("team admin", True),
        ("team write", False),
        ("flag manage-projects", True),
        ("flag manage-workspaces", True),
        ("flag read-projects", False),
        ("token owner", False),
        ("member", False),
    ],
)
def test_who_finds(
    api: Api, world: World, acme: Organization, project: Project, grace: Person, who: str, *, finds: bool
) -> None:
    token = made(world, acme, project, who)
    listed = api.get(f"{ORGANIZATION}?q=grace", token)["data"]
    assert [each["relationships"]["user"]["data"]["id"] for each in listed] == ([grace.id] if finds else [])
    if listed:
        # Finding is not reading: the membership itself stays closed.
        api.get(f"/organization-memberships/{listed[0]['id']}", token, expect=404)
    # Nobody finds people in an organization where they add nobody.
    other = world.organization("other")
    if who != "token owner":
        world.project_member(world.project(other), world.person(), "owner")
        api.get("/organizations/other/organization-memberships", token, expect=404)
