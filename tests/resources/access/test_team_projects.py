"""What teams may do on projects, over HTTP: giving, listing, taking away; who sees and who gives access."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from app.models import Organization, Project, TeamProject
from app.models.team_projects import ACCESS_LEVELS
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

Statements = Callable[[], AbstractContextManager[list[str]]]


def grant(team_id: str, project_id: str, access: Any = "read", **objects: Any) -> dict[str, Any]:
    attributes = {"access": access, **{name.replace("_", "-"): given for name, given in objects.items()}}
    return document("team-projects", attributes, team=("teams", team_id), project=("projects", project_id))


def change(access: str | None = None, **objects: Any) -> dict[str, Any]:
    attributes = {name.replace("_", "-"): given for name, given in objects.items()}
    return document("team-projects", attributes | ({"access": access} if access else {}))


@pytest.fixture
def project(world: World, acme: Organization) -> Project:
    return world.project(acme, "plans")


def test_a_team_has_one_access_to_a_project(
    api: Api, world: World, acme: Organization, owner: Person, project: Project
) -> None:
    team, other = world.team(acme), world.team(acme)
    api.post("/team-projects", owner.token, grant(team.id, project.id))
    answer = api.post("/team-projects", owner.token, grant(team.id, project.id, "admin"), expect=422)
    assert faults(answer) == [("Team has already been taken", "/data/relationships/team")]
    api.post("/team-projects", owner.token, grant(other.id, project.id))
    api.post("/team-projects", owner.token, grant(team.id, world.project(acme).id))


def test_the_owners_team_can_be_given_what_it_has_anyway(
    api: Api, world: World, acme: Organization, owner: Person, project: Project
) -> None:
    sent = grant(world.owners(acme).id, project.id, "read")
    api.post("/team-projects", owner.token, sent)
    api.patch(f"/projects/{project.id}", owner.token, document("projects", {"description": "still mine"}))


def test_a_team_and_a_project_are_required(
    api: Api, world: World, acme: Organization, owner: Person, project: Project
) -> None:
    team = world.team(acme)
    for missing in ("team", "project"):
        for linkage in (None, {"data": None}):
            sent = grant(team.id, project.id)
            sent["data"]["relationships"][missing] = linkage
            if linkage is None:
                del sent["data"]["relationships"][missing]
            answer = api.post("/team-projects", owner.token, sent, expect=422)
            expected = (f"{missing.capitalize()} can't be blank", f"/data/relationships/{missing}")
            assert faults(answer) == [expected]
    wrong = document("team-projects", {"access": "read"}, team=("users", team.id), project=("projects", project.id))
    answer = api.post("/team-projects", owner.token, wrong, expect=422)
    assert faults(answer) == [("Team must be a resource identifier", "/data/relationships/team")]


def test_teams_and_projects_of_another_organization_are_not_found(
    api: Api, world: World, acme: Organization, owner: Person, project: Project
) -> None:
    other = world.organization("globex", owner=owner)
    team, foreign_team, foreign_project = world.team(acme), world.team(other), world.project(other)
    for team_id, project_id in (
        (foreign_team.id, project.id),
        (team.id, foreign_project.id),
        ("team-0000000000000000", project.id),
        (team.id, "prj-0000000000000000"),
    ):
        api.post("/team-projects", owner.token, grant(team_id, project_id), expect=404)
    assert world.all(TeamProject) == []


# --- listing -------------------------------------------------------------------------------------------------------


def test_accesses_are_listed_by_team(
    api: Api, world: World, acme: Organization, owner: Person, project: Project
) -> None:
    teams = {name: world.team(acme, name=name) for name in ("beta", "Alpha", "gamma")}
    accesses = {name: world.access(team, project, "read").id for name, team in teams.items()}
    world.access(teams["beta"], world.project(acme), "admin")
    path = f"/team-projects?filter[project][id]={project.id}"

    def found(query: str = "") -> list[str]:
        return [item["id"] for item in api.get(path + query, owner.token)["data"]]

    assert found() == [accesses["Alpha"], accesses["beta"], accesses["gamma"]]
    assert found(f"&filter[team][id]={teams['beta'].id}") == [accesses["beta"]]
    assert found("&filter[team][id]=team-0000000000000000") == []
    assert found("&page[size]=2&page[number]=2") == [accesses["gamma"]]
    assert found("&page[size]=2&page[number]=3") == []
    api.get("/team-projects", owner.token, expect=404)
    api.get("/team-projects?filter[project][id]=", owner.token, expect=404)
    api.get("/team-projects?filter[project][id]=prj-0000000000000000", owner.token, expect=404)


def test_a_page_takes_the_same_statements_whatever_its_size(
    api: Api, world: World, acme: Organization, owner: Person, project: Project, *, statements: Statements
) -> None:
    path = f"/team-projects?filter[project][id]={project.id}"
    api.get(path, owner.token)
    with statements() as few:
        api.get(path, owner.token)
    for _ in range(8):
        world.access(world.team(acme), project, "read")
    with statements() as many:
        assert len(api.get(path, owner.token)["data"]) == 8
    # The caller, the project, the page.
    assert (len(few), len(many)) == (3, 3)


# --- who may -------------------------------------------------------------------------------------------------------

#        who,                              sees visible, sees secret, changes visible, changes secret
RIGHTS = [
    ("owner", True, True, True, True),
    ("organization", True, True, True, True),
    ("manage-projects+manage-workspaces", True, True, True, True),
    ("admin", True, False, True, False),
    ("custom manage", True, False, True, False),
    ("custom read", True, False, False, False),
    ("maintain", False, False, False, False),
    ("read", False, False, False, False),
    ("manage-teams+manage-membership+access-secret-teams", False, False, False, False),
    ("read-projects+read-workspaces", False, False, False, False),
    ("member", False, False, False, False),
    ("outsider", False, False, False, False),
]


def caller_of(who: str, world: World, acme: Organization, owner: Person, project: Project) -> str:
    if who in ("owner", "organization", "outsider", "member"):
        tokens: dict[str, Callable[[], str]] = {
            "owner": lambda: owner.token,
            "organization": lambda: world.token(acme),
            "outsider": lambda: world.person().token,
            "member": lambda: world.member(acme).token,
        }
        return tokens[who]()
    level, _, teams = who.partition(" ")
    if level in ACCESS_LEVELS:
        team = world.team(acme)
        details = {"teams": teams, "variables": "read", "state-versions": "read"}
        world.access(team, project, level, details if teams else None)
    else:
        team = world.team(acme, *who.split("+"))
    return world.member(acme, team).token


@pytest.mark.one_database
@pytest.mark.parametrize(("who", "sees", "sees_secret", "changes", "changes_secret"), RIGHTS)
def test_who_may(
    api: Api,
    world: World,
    acme: Organization,
    owner: Person,
    project: Project,
    *,
    who: str,
    sees: bool,
    sees_secret: bool,
    changes: bool,
    changes_secret: bool,
) -> None:
    token = caller_of(who, world, acme, owner, project)
    path = f"/team-projects?filter[project][id]={project.id}"
    cases = [("organization", sees, changes), ("secret", sees_secret, changes_secret)]
    for visibility, may_see, may_change in cases:
        kept = world.access(world.team(acme, visibility=visibility), project, "read")
        address = f"/team-projects/{kept.id}"
        api.get(address, token, expect=200 if may_see else 404)
        if sees:
            listed = {item["id"] for item in api.get(path, token)["data"]}
            assert (kept.id in listed) is may_see
        else:
            api.get(path, token, expect=404)
        # A custom access that manages teams gives no level that is above it.
        access = "custom" if who == "custom manage" else "write"
        api.patch(address, token, change(access), expect=200 if may_change else 404)
        api.delete(address, token, expect=204 if may_change else 404)
        new = grant(world.team(acme, visibility=visibility).id, project.id, "custom" if access == "custom" else "read")
        api.post("/team-projects", token, new, expect=201 if may_change else 404)
    elsewhere = world.access(world.team(acme, visibility="organization"), world.project(acme), "read")
    everywhere = who in ("owner", "organization") or who.startswith("manage-projects")
    api.patch(f"/team-projects/{elsewhere.id}", token, change("write"), expect=200 if everywhere else 404)
