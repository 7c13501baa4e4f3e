"""Reports of access: they say what the policy says, of everybody, to those who manage access."""

import csv
from collections.abc import Mapping
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine
from webtest import TestApp

from app.models import (
    AuthenticationToken,
    Environment,
    Organization,
    OrganizationMembership,
    Project,
    Team,
    User,
    Workspace,
)
from app.persistence import now
from tests.support.api import Api, document, faults
from tests.support.reach import Subject, everybody, held, subject_of
from tests.support.statement_costs import Statements, cost
from tests.support.world import Person, World

Entry = dict[str, Any]


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    return world.project(acme, "shop")


@pytest.fixture
def environment(world: World, project: Project) -> Environment:
    return world.environment(project, "live")


@pytest.fixture
def workspace(world: World, project: Project, environment: Environment) -> Workspace:
    return world.workspace(project, "net", environment_id=environment.id, cell="eu")


def report(api: Api, token: str, path: str, **parameters: str) -> list[Entry]:
    asked = {"page[size]": "100", **parameters}
    found: list[Entry] = api.send("GET", f"{path}/access-report", token, expect=200, parameters=asked)["data"]
    return found


def subject(entry: Entry) -> Subject:
    data = entry["relationships"]["subject"]["data"]
    return data["type"], data["id"]


def told(entries: list[Entry]) -> dict[Subject, set[str]]:
    found: dict[Subject, set[str]] = {}
    for each in entries:
        found.setdefault(subject(each), set()).update(each["attributes"]["permissions"])
    return found


def test_it_says_what_each_of_them_really_may_do(
    api: Api, world: World, acme: Organization, owner: Person, engine: Engine, project: Project, workspace: Workspace
) -> None:
    tokens = {"owner of acme": owner.token, **everybody(world, acme, project, workspace)}
    sent = {"description": "script", "project-ids": [project.id], "read-only": True}
    many = "/organizations/acme/authentication-tokens"
    made = api.post(many, owner.token, document("authentication-tokens", sent))["data"]
    tokens["narrowed"] = made["attributes"]["token"]
    sent = {"description": "elsewhere", "project-ids": [world.project(acme).id]}
    made = api.post(many, owner.token, document("authentication-tokens", sent))["data"]
    tokens["narrowed to another"] = made["attributes"]["token"]
    for type_, row in (("projects", project), ("workspaces", workspace)):
        really = {
            subject_of(engine, token): may for token, may in held(engine, [*tokens.values()], type_, row.id).items()
        }
        reaching = {who: set(map(str, may)) for who, may in really.items() if may}
        assert told(report(api, owner.token, f"/{type_}/{row.id}")) == reaching
        outside = {subject_of(engine, tokens[name]) for name in ("outsider", "member", "narrowed to another")}
        assert not outside & reaching.keys()


@pytest.mark.one_database
def test_it_agrees_with_the_explanations(
    api: Api, world: World, acme: Organization, owner: Person, workspace: Workspace, project: Project
) -> None:
    everybody(world, acme, project, workspace)
    entries = report(api, owner.token, f"/workspaces/{workspace.id}")
    for who, permissions in told(entries).items():
        relationships = {"resource": ("workspaces", workspace.id), "subject": who}
        sent = document("permission-explanations", {}, **relationships)
        explained = api.post("/permissions/explain", owner.token, sent, expect=200)["data"]["attributes"]
        allowed = {each["permission"] for each in explained["permissions"] if each["allowed"]}
        assert permissions == allowed - {"workspace:read-public"}, who
        sources = {
            (grant["source"] or {}).get("id")
            for each in explained["permissions"]
            for grant in each["grants"]
            if each["permission"] != "workspace:read-public"
        }
        mine = [each for each in entries if subject(each) == who]
        # One that brings nothing that others do not bring is in both.
        assert {each["relationships"]["source"]["data"]["id"] for each in mine} == sources


def test_an_entry_says_by_which_path(
    api: Api, world: World, owner: Person, environment: Environment, project: Project
) -> None:
    person = world.person("bea")
    role = world.project_member(project, person, "member", environment=environment, cells=["eu", "us"])
    (entry,) = report(api, owner.token, f"/projects/{project.id}", q="BEA")
    assert entry["type"] == "access-paths"
    permissions = entry["attributes"].pop("permissions")
    assert permissions == ["project:read"]
    assert entry["attributes"].pop("last-used-at") is None
    assert entry["attributes"] == {
        "name": "bea",
        "path": "project-members",
        "role": "member",
        "team-name": None,
        "resource-name": "shop",
        "environment-name": "live",
        "cell-scopes": ["eu", "us"],
        "expires-at": None,
    }
    assert {name: each["data"] for name, each in entry["relationships"].items()} == {
        "subject": {"type": "users", "id": person.id},
        "source": {"type": "project-members", "id": role.id},
        "team": None,
        "environment": {"type": "environments", "id": environment.id},
        "resource": {"type": "projects", "id": project.id},
    }
    api.get("/account/details", person.token)
    (entry,) = report(api, owner.token, f"/projects/{project.id}", q="bea")
    assert entry["attributes"]["last-used-at"] is not None


@pytest.mark.one_database
def test_filters_sorts_and_pages(api: Api, world: World, acme: Organization, owner: Person, project: Project) -> None:
    team = world.team(acme, name="devs")
    world.access(team, project, "write")
    for name in ("bea", "cem"):
        world.member(acme, team, username=name)
    world.project_token(project, "viewer")
    path = f"/projects/{project.id}"

    def names(**parameters: str) -> list[str | None]:
        return [each["attributes"]["name"] for each in report(api, owner.token, path, **parameters)]

    assert names(**{"filter[path]": "team-projects"}) == ["bea", "cem", "devs"]
    assert names(**{"filter[path]": "team-projects", "sort": "-name"}) == ["devs", "cem", "bea"]
    assert names(**{"filter[path]": "team-projects,owners", "filter[subject-type]": "users"}) == ["ada", "bea", "cem"]
    assert names(q="DEV") == ["bea", "cem", "devs"]
    assert names(**{"filter[role]": "write", "sort": "path,-name"}) == ["devs", "cem", "bea"]
    page = api.get(
        f"{path}/access-report?page[size]=2&page[number]=2&sort=name&filter[path]=team-projects", owner.token
    )
    assert [each["attributes"]["name"] for each in page["data"]] == ["devs"]
    assert page["meta"]["pagination"]["total-count"] == 3
    for query, parameter in (
        ("sort=color", "sort"),
        ("filter[color]=red", "filter[color]"),
        ("page[size]=x", "page[size]"),
    ):
        answer = api.get(f"{path}/access-report?{query}", owner.token, expect=400)
        assert [pointer for _, pointer in faults(answer)] == [parameter]


@pytest.mark.one_database
def test_it_is_for_those_who_manage_access(
    api: Api, world: World, acme: Organization, project: Project, workspace: Workspace
) -> None:
    viewer, admin, of_workspace = world.person("viewer"), world.person("admin"), world.member(acme, username="acl")
    world.project_member(project, viewer, "viewer")
    world.project_member(project, admin, "admin")
    world.acl_entry(workspace, of_workspace, "admin")
    stranger = world.person().token
    places = (f"/projects/{project.id}", f"/workspaces/{workspace.id}")
    for path in places:
        api.get(f"{path}/access-report", viewer.token, expect=403)
        api.get(f"{path}/access-report", stranger, expect=404)
        assert report(api, admin.token, path)
    api.get(f"{places[0]}/access-report", of_workspace.token, expect=403)
    assert report(api, of_workspace.token, places[1])


@pytest.mark.one_database
def test_what_the_caller_may_not_see_has_no_name_and_no_id(
    api: Api, world: World, acme: Organization, project: Project
) -> None:
    boss = world.person("boss")
    world.project_member(project, boss, "owner")
    secret = world.team(acme, name="spies", visibility="secret")
    world.access(secret, project, "read")
    spy = world.member(acme, secret, username="spy")
    world.token(acme)
    entries = report(api, boss.token, f"/projects/{project.id}")
    of_spy = next(each for each in entries if each["attributes"]["name"] == "spy")
    assert of_spy["relationships"]["source"]["data"] is None
    assert (of_spy["attributes"]["role"], of_spy["attributes"]["team-name"]) == (None, None)
    assert subject(of_spy) == ("users", spy.id)
    hidden = [each for each in entries if each["relationships"]["subject"]["data"] is None]
    assert {each["attributes"]["path"] for each in hidden} >= {"team-projects", "organization-token"}
    assert all(each["attributes"]["name"] is None for each in hidden)
    assert secret.id not in str(entries)
    # A filter finds nothing by what is hidden.
    assert report(api, boss.token, f"/projects/{project.id}", q="spies") == []
    assert report(api, boss.token, f"/projects/{project.id}", **{"filter[role]": "read"}) == []


@pytest.mark.one_database
def test_the_table(app: Flask, world: World, acme: Organization, owner: Person, project: Project) -> None:
    team = world.team(acme, name="=HYPERLINK(1)", visibility="organization")
    world.access(team, project, "write")
    headers = {"Authorization": f"Bearer {owner.token}", "Accept": "text/csv"}
    path = f"/api/v2/projects/{project.id}/access-report"
    answer = TestApp(app).get(f"{path}?sort=name", headers=headers)
    assert answer.content_type == "text/csv"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="access.csv"'
    rows = list(csv.DictReader(StringIO(answer.text)))
    assert [row["name"] for row in rows] == ["'=HYPERLINK(1)", "ada", "owners"]
    assert (rows[0]["path"], rows[0]["role"], rows[0]["resource-name"]) == ("team-projects", "write", "shop")
    # Whoever takes both gets the document.
    both = TestApp(app).get(path, headers={**headers, "Accept": "application/vnd.api+json, text/csv;q=0.5"})
    assert both.content_type == "application/vnd.api+json"
    rather = TestApp(app).get(path, headers={**headers, "Accept": "application/json;q=0.9, text/csv;q=0.1"})
    assert rather.content_type == "application/vnd.api+json"
    # A semicolon begins no cell.
    assert all(line.startswith('"') for line in answer.text.splitlines())
    # A view without a table refuses to be asked for one.
    TestApp(app).get(f"/api/v2/projects/{project.id}", headers=headers, status=406)


def membership_of(world: World, person: Person) -> str:
    return str(next(each.id for each in world.all(OrganizationMembership) if each.user_id == person.id))


def test_the_other_way_round(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, workspace: Workspace
) -> None:
    team, flagged = world.team(acme, name="devs"), world.team(acme, "read-projects", name="readers")
    person = world.member(acme, team, flagged, username="bea")
    world.access(team, project, "write")
    world.project_member(project, person, "viewer")
    world.acl_entry(workspace, person, "admin")
    expected = {
        ("organization-access", "read-projects", "acme", "readers"),
        ("team-projects", "write", "shop", "devs"),
        ("project-members", "viewer", "shop", None),
        ("workspace-acl-entries", "admin", "net", None),
    }
    path = f"/organization-memberships/{membership_of(world, person)}"
    assert paths(report(api, owner.token, path)) == expected
    assert paths(report(api, person.token, path)) == expected, "everybody sees what they reach"
    of_team = report(api, owner.token, f"/teams/{team.id}")
    assert {each[:3] for each in paths(of_team)} == {("team-projects", "write", "shop")}
    assert "run:apply" in of_team[0]["attributes"]["permissions"]
    world.project_token(project, "admin")
    token = next(each for each in world.all(AuthenticationToken) if each.project_id == project.id)
    of_token = report(api, owner.token, f"/authentication-tokens/{token.id}")
    assert paths(of_token) == {("project-token", "admin", "shop", None)}
    elsewhere = world.project(acme, "elsewhere")
    sent = {"description": "two", "project-ids": [project.id, elsewhere.id]}
    made = api.post("/organizations/acme/authentication-tokens", owner.token, document("authentication-tokens", sent))[
        "data"
    ]
    of_narrowed = report(api, owner.token, f"/authentication-tokens/{made['id']}")
    assert {each[2] for each in paths(of_narrowed)} == {"shop", "elsewhere"}


def paths(entries: list[Entry]) -> set[tuple[Any, ...]]:
    found = (each["attributes"] for each in entries)
    return {(each["path"], each["role"], each["resource-name"], each["team-name"]) for each in found}


@pytest.mark.one_database
def test_who_may_ask_the_other_way_round(api: Api, world: World, acme: Organization, project: Project) -> None:
    admin = world.person()
    world.project_member(project, admin, "admin")
    team = world.team(acme, visibility="organization")
    bea = world.member(acme, team)
    manager = world.member(acme, world.team(acme, "manage-membership"))
    api.get(f"/teams/{team.id}/access-report", admin.token, expect=403)
    api.get(f"/teams/{team.id}/access-report", world.person().token, expect=404)
    membership = membership_of(world, bea)
    api.get(f"/organization-memberships/{membership}/access-report", admin.token, expect=404)
    # Those who add members do not see all projects.
    api.get(f"/organization-memberships/{membership}/access-report", manager.token, expect=403)
    token = next(each for each in world.all(AuthenticationToken) if each.user_id == bea.id)
    answer = api.get(f"/authentication-tokens/{token.id}/access-report", bea.token, expect=422)
    assert answer["errors"][0]["code"] == "token-without-report"


@pytest.mark.one_database
def test_a_suspended_user_and_an_expired_token_reach_nothing(
    api: Api, world: World, owner: Person, project: Project
) -> None:
    person = world.person("bea")
    world.project_member(project, person, "admin")
    world.project_token(project, "admin")
    token = next(each for each in world.all(AuthenticationToken) if each.project_id == project.id)
    path = f"/projects/{project.id}"
    assert {"bea", token.description} <= {each["attributes"]["name"] for each in report(api, owner.token, path)}
    world.change(token, expired_at=now() - timedelta(seconds=1))
    world.change(next(each for each in world.all(User) if each.id == person.id), suspended_at=now())
    assert [each["attributes"]["name"] for each in report(api, owner.token, path)] == ["ada", "owners"]
    assert report(api, owner.token, f"/authentication-tokens/{token.id}") == []
    assert report(api, owner.token, f"/organization-memberships/{membership_of(world, person)}") == []


@pytest.mark.one_database
def test_statements_stay_the_same(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, statements: Statements
) -> None:
    workspace = world.workspace(project)
    team: Team = world.team(acme, "read-projects")
    person = world.member(acme, team)
    addresses = [
        f"/projects/{project.id}",
        f"/workspaces/{workspace.id}",
        f"/organization-memberships/{membership_of(world, person)}",
        f"/teams/{team.id}",
    ]
    requests: list[tuple[str, str, Any]] = [("GET", f"{path}/access-report", None) for path in addresses]

    def costs() -> list[int]:
        return [cost(statements, api, owner.token, each) for each in requests]

    world.access(team, project, "write")
    world.project_member(project, person, "viewer")
    world.acl_entry(workspace, person, "user")
    world.workspace_access(team, workspace, "read")
    world.project_token(project, "admin")
    costs()
    before = costs()
    fill: Mapping[str, Any] = {"access": "write"}
    for _ in range(4):
        another = world.team(acme, "read-workspaces")
        world.access(another, project, fill["access"])
        everyone = world.member(acme, another, team)
        world.project_member(project, everyone, "viewer")
        world.acl_entry(world.workspace(project), everyone, "user")
        world.acl_entry(world.workspace(project), person, "user")
        world.project_token(project, "admin")
    assert costs() == before
    assert max(before) <= 10
