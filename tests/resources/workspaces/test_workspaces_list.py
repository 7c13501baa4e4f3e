"""The list of an organization's workspaces: visibility, filters, order, pages, what comes along."""

from typing import Any
from urllib.parse import quote

import pytest

from app.models import Organization, Project
from tests.support.api import Api, document, faults
from tests.support.world import Person, World

WORKSPACES = "/organizations/acme/workspaces"


def names(answer: Any) -> list[str]:
    return [workspace["attributes"]["name"] for workspace in answer["data"]]


@pytest.fixture
def network(world: World, acme: Organization) -> Project:
    """One of two projects with workspaces; another organization has workspaces of the same names."""
    network, storage = world.project(acme, "network"), world.project(acme, "storage")
    elsewhere = world.project(world.organization("other"))
    for project, name in (
        (network, "prod_1"),
        (storage, "Backup"),
        (network, "Edge"),
        (storage, "archive"),
        (elsewhere, "Edge"),
    ):
        world.workspace(project, name)
    return network


@pytest.mark.usefixtures("network")
def test_workspaces_are_listed_by_name_without_regard_to_case(api: Api, owner: Person) -> None:
    ordered = ["archive", "Backup", "Edge", "prod_1"]
    assert names(api.get(WORKSPACES, owner.token)) == ordered
    assert names(api.get(f"{WORKSPACES}?sort=name", owner.token)) == ordered
    assert names(api.get(f"{WORKSPACES}?sort=-name", owner.token)) == ordered[::-1]
    answer = api.get(f"{WORKSPACES}?sort=resource-count", owner.token, expect=400)
    known = "name, latest-change-at, current-run.created-at"
    detail = f"sort must be one of {known}, with - before it for descending; commas separate several"
    assert faults(answer) == [(detail, "sort")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("e", ["archive", "Edge"]),
        ("BACK", ["Backup"]),
        ("_", ["prod_1"]),
        ("%", []),
        ("p_od", []),
        ("\\", []),
        ("", ["archive", "Backup", "Edge", "prod_1"]),
    ],
)
@pytest.mark.usefixtures("network")
def test_workspaces_are_found_by_a_part_of_the_name(api: Api, owner: Person, text: str, found: list[str]) -> None:
    answer = api.get(f"{WORKSPACES}?search[name]={quote(text)}", owner.token)
    assert names(answer) == found
    assert answer["meta"]["pagination"]["total-count"] == len(found)


def test_workspaces_are_found_by_their_project(
    api: Api, world: World, acme: Organization, network: Project, owner: Person
) -> None:
    path = f"{WORKSPACES}?filter[project][id]="
    assert names(api.get(f"{path}{network.id}", owner.token)) == ["Edge", "prod_1"]
    assert names(api.get(f"{path}{network.id}&search[name]=ed&sort=-name", owner.token)) == ["Edge"]
    assert names(api.get(f"{path}{world.project(acme).id}", owner.token)) == []
    assert names(api.get(f"{path}prj-1111111111111111", owner.token)) == []


def test_a_project_of_another_organization_has_no_workspaces_here(
    api: Api, world: World, acme: Organization, owner: Person
) -> None:
    theirs = world.project(world.organization("other", owner=owner))
    world.workspace(theirs)
    path = f"/organizations/{acme.name}/workspaces?filter[project][id]={theirs.id}"
    assert names(api.get(path, owner.token)) == []


@pytest.mark.parametrize("path", [WORKSPACES, "/projects/PROJECT/workspaces", "/workspaces"])
def test_workspaces_are_found_by_their_environment(
    api: Api, world: World, acme: Organization, owner: Person, path: str
) -> None:
    project = world.project(acme, "plans")
    path = f"{path.replace('PROJECT', project.id)}?filter[environment]="
    staging, production = world.environment(project, "staging"), world.environment(project, "production")
    for name, environment in (("b", staging), ("a", staging), ("c", production)):
        world.workspace(project, name, environment_id=environment.id, cell=name)
    world.workspace(project, "of the default one")
    inside, of_a_cell = world.person(), world.person()
    world.project_member(project, inside, "admin", environment=staging)
    world.project_member(project, of_a_cell, "viewer", cells=["a"])
    seen = {owner.token: (["a", "b"], ["c"]), inside.token: (["a", "b"], []), of_a_cell.token: (["a"], [])}
    for token, found in seen.items():
        answers = [api.get(f"{path}{environment.id}", token) for environment in (staging, production)]
        assert tuple(names(answer) for answer in answers) == found
        assert [each["meta"]["pagination"]["total-count"] for each in answers] == [len(each) for each in found]
    # One that the caller can't see is like one that never was.
    hidden, unknown = (
        api.get(f"{path}{environment}", inside.token) for environment in (production.id, "env-1111111111111111")
    )
    assert (hidden["data"], hidden["meta"]) == (unknown["data"], unknown["meta"])
    assert names(api.get(f"{path}{staging.id}&search[name]=b&sort=-name", owner.token)) == ["b"]
    assert names(api.get(f"{path}{staging.id.upper()}", owner.token)) == []


def test_a_member_lists_the_workspaces_of_his_projects(
    api: Api, world: World, acme: Organization, network: Project
) -> None:
    for access in ("read", "write", "maintain", "admin", "custom"):
        team = world.team(acme)
        world.access(team, network, access)
        answer = api.get(WORKSPACES, world.member(acme, team).token)
        assert names(answer) == ["Edge", "prod_1"]
        assert answer["meta"]["pagination"]["total-count"] == 2
    assert names(api.get(WORKSPACES, world.member(acme).token)) == []


@pytest.mark.usefixtures("network")
def test_pages_together_are_the_whole_list(api: Api, owner: Person) -> None:
    pages = [names(api.get(f"{WORKSPACES}?page[size]=3&page[number]={number}", owner.token)) for number in (1, 2, 3)]
    assert pages == [["archive", "Backup", "Edge"], ["prod_1"], []]


def test_a_list_shows_a_workspace_as_it_is_shown_alone(
    api: Api, world: World, acme: Organization, network: Project
) -> None:
    team = world.team(acme)
    world.access(team, network, "write")
    for token in (world.owner(acme).token, world.token(acme), world.member(acme, team).token):
        listed = api.get(WORKSPACES, token)["data"]
        assert listed != []
        for each in listed:
            assert api.get(f"/workspaces/{each['id']}", token)["data"] == each


@pytest.mark.parametrize("include", ["project", "organization", "project,organization"])
def test_related_resources_come_along_once(api: Api, network: Project, owner: Person, include: str) -> None:
    answer = api.get(f"{WORKSPACES}?include={include}&filter[project][id]={network.id}", owner.token)
    assert len(answer["data"]) == 2
    included = {each["type"]: each for each in answer["included"]}
    assert len(included) == len(answer["included"]) == len(include.split(","))
    if "projects" in included:
        assert included["projects"] == api.get(f"/projects/{network.id}", owner.token)["data"]
    if "organizations" in included:
        assert included["organizations"] == api.get("/organizations/acme", owner.token)["data"]
    [first, _] = answer["data"]
    shown = api.get(f"/workspaces/{first['id']}?include={include}", owner.token)
    assert shown["included"] == answer["included"]
    by_name = api.get(f"{WORKSPACES}/{first['attributes']['name']}?include={include}", owner.token)
    assert by_name == shown


def test_a_related_project_that_is_hidden_does_not_come_along(
    api: Api, world: World, acme: Organization, network: Project
) -> None:
    token = world.member(acme, world.team(acme, "manage-workspaces")).token
    answer = api.get(f"{WORKSPACES}?include=project&filter[project][id]={network.id}", token)
    assert len(answer["data"]) == 2
    assert answer["included"] == []


@pytest.mark.one_database
@pytest.mark.parametrize("include", ["workspace", "run", "project,x", "projects", "project.organization"])
def test_an_unknown_include_is_refused(api: Api, world: World, network: Project, owner: Person, include: str) -> None:
    workspace = world.workspace(network, "last")
    for path in (WORKSPACES, f"{WORKSPACES}/last", f"/workspaces/{workspace.id}"):
        answer = api.get(f"{path}?include={include}", owner.token, expect=400)
        assert faults(answer) == [("Invalid include parameter", "include")]


NEVER_THERE = [
    "readme",
    "current-run",
    "current_run.plan,latest_run",
    "current_configuration_version.ingress_attributes",
]


@pytest.mark.one_database
@pytest.mark.parametrize("include", NEVER_THERE)
def test_what_no_workspace_has_may_be_asked_for(api: Api, network: Project, owner: Person, include: str) -> None:
    plain = api.get(f"{WORKSPACES}?filter[project][id]={network.id}", owner.token)
    answer = api.get(f"{WORKSPACES}?filter[project][id]={network.id}&include={include}", owner.token)
    assert (answer["data"], answer["included"]) == (plain["data"], [])
    shown = api.get(f"/workspaces/{plain['data'][0]['id']}?include={include}", owner.token)
    assert shown == {"data": plain["data"][0], "included": []}


def test_variables_come_along_as_far_as_they_are_readable(
    api: Api, world: World, acme: Organization, network: Project, owner: Person
) -> None:
    workspace = world.workspace(network, "with-vars")
    path = f"/workspaces/{workspace.id}"
    for key, is_sensitive in (("b", True), ("a", False)):
        members = {"key": key, "value": "secret", "category": "env", "sensitive": is_sensitive}
        api.post(f"{path}/vars", owner.token, document("vars", members))
    variables = api.get(f"{path}/vars", owner.token)["data"]
    shown = api.get(f"{path}?include=vars", owner.token)
    assert shown["included"] == variables
    assert shown["data"]["relationships"]["vars"]["data"] == [{"id": each["id"], "type": "vars"} for each in variables]
    listed = api.get(f"{WORKSPACES}?include=vars&filter[project][id]={network.id}", owner.token)
    assert listed["included"] == variables
    linked = [each["relationships"]["vars"]["data"] for each in listed["data"]]
    assert sorted(map(len, linked)) == [0, 0, 2]
    team = world.team(acme)
    world.workspace_access(team, workspace, "custom", {"runs": "read", "variables": "none"})
    hidden = api.get(f"{path}?include=vars", world.member(acme, team).token)
    assert (hidden["included"], hidden["data"]["relationships"]["vars"]["data"]) == ([], [])
