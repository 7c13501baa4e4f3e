"""Filters mean the same in every form, lists of Groundplan's own refuse those that they do not know."""

import re
from typing import Any

import pytest
from flask import Flask

from app.models import Organization, Project
from app.openapi.routes import routes_of
from tests.contract import hcp_names
from tests.support.api import Api, faults
from tests.support.world import Person, World

# Only HCP Terraform's API reference has these, or its clients ask for them.
IN_REFERENCE = {
    "GET /admin/organizations",
    "GET /admin/users",
    "GET /organizations/{}/reserved-tag-keys",
    "GET /organizations/{}/runs/queue",
    "GET /organizations/{}/tags",
    "GET /teams/{}/authentication-tokens",
}


def names(answer: Any) -> list[str]:
    return [each["attributes"]["name"] for each in answer["data"]]


@pytest.fixture
def places(world: World, acme: Organization) -> dict[str, Any]:
    """Projects with a workspace each, of the same name."""
    found: dict[str, Any] = {}
    for name in ("alpha", "beta", "gamma"):
        project = world.project(acme, name, cloud_provider_id="aws" if name == "beta" else None)
        found[name] = project
        found[f"{name} workspace"] = world.workspace(project, name, cell="east" if name == "gamma" else None)
    world.tag(found["alpha"], "env", "prod")
    return found


ALL = ["alpha", "beta", "gamma"]
FORMS = [
    ("projects?filter[names]=beta, alpha", ["alpha", "beta"]),
    ("projects?filter[names][]=beta&filter[names][]=alpha", ["alpha", "beta"]),
    ("projects?filter[names][0]=nobody", []),
    ("projects?filter[slug]=BETA", ["beta"]),
    ("projects?filter[cloud-provider]=aws", ["beta"]),
    ("projects?filter[cloud_provider]=aws,google", ["beta"]),
    ("projects?filter[tagged][][key]=env&filter[tagged][][value]=prod", ["alpha"]),
    ("projects?filter[tagged][key]=env&filter[tagged][value]=test", []),
    ("projects?filter[unknown]=x&filter[names]=", ["alpha", "beta", "Default Project", "gamma"]),
    ("workspaces?search[tags][]=env", ["alpha"]),
    ("workspaces?search[tags]= env , env", ["alpha"]),
    ("workspaces?search[exclude-tags][0]=env", ["beta", "gamma"]),
    ("workspaces?filter[cell]=east,west", ["gamma"]),
    ("workspaces?filter[project_id]=BETA", ["beta"]),
    ("workspaces?search[name][]=amm", ["gamma"]),
    ("workspaces?filter[newer]=1&search[newer]=1", ALL),
    ("teams?filter[names][]=nobody", []),
    ("organization-memberships?filter[email][]=nobody@example.test", []),
]


@pytest.mark.parametrize(("path", "found"), FORMS, ids=[path for path, _ in FORMS])
def test_a_filter_means_what_it_says(
    api: Api, owner: Person, places: dict[str, Any], path: str, found: list[str]
) -> None:
    answer = api.get(
        f"/organizations/acme/{path.replace('BETA', places['beta'].id if '_id' in path else 'BETA')}", owner.token
    )
    assert names(answer) == found
    assert answer["meta"]["pagination"]["total-count"] == len(found)


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("projects?filter[names][x]=alpha", "filter[names][x]"),
        ("projects?filter[permissions][read]=true", "filter[permissions][read]"),
        ("projects?q=a&q=b", "q"),
        ("workspaces?filter[project]=prj-1", "filter[project]"),
        ("workspaces?filter[tagged]=env", "filter[tagged]"),
        ("workspaces?search[tags][all]=env", "search[tags][all]"),
        ("agent-pools?filter[allowed-workspaces]=x", "filter[allowed-workspaces]"),
        ("organization-memberships?filter[status][x]=active", "filter[status][x]"),
    ],
)
def test_a_form_that_says_nothing_is_refused(
    api: Api, acme: Organization, owner: Person, path: str, parameter: str
) -> None:
    answer = api.get(f"/organizations/{acme.name}/{path}", owner.token, expect=400)
    assert [at for _, at in faults(answer)] == [parameter]


def test_every_list_of_groundplan_s_own_is_strict(app: Flask) -> None:
    theirs = {*hcp_names.read(), *IN_REFERENCE}
    found = {}
    for route in routes_of(app):
        if route.operation.listing:
            address = re.sub(r"{\w+}", "{}", route.path.removeprefix("/api/v2"))
            found[f"GET {address}"] = route.operation.listing.parameters.is_strict
    assert set(found) >= IN_REFERENCE
    assert {name for name, is_strict in found.items() if is_strict == (name in theirs)} == set()


@pytest.mark.one_database
def test_own_lists_refuse_what_they_do_not_know(
    api: Api, world: World, acme: Organization, project: Project, owner: Person
) -> None:
    workspace = world.workspace(project)
    paths = [
        "/cloud-providers",
        "/projects",
        "/workspaces",
        *(f"/projects/{project.id}/{each}" for each in ("environments", "members", "invitations", "workspaces")),
        f"/projects/{project.id}/repository-links",
        f"/projects/{project.id}/authentication-tokens",
        f"/workspaces/{workspace.id}/acl",
        f"/organizations/{acme.name}/activity-events",
    ]
    for path in paths:
        assert api.get(path, owner.token)["data"] is not None
        for parameter in ("filter[nonsense]", "filter[nonsense][]", "search[nonsense]", "filter"):
            answer = api.get(f"{path}?{parameter}=x", owner.token, expect=400)
            assert [at for _, at in faults(answer)] == [parameter], path


def test_what_is_asked_for_by_name(api: Api, world: World, project: Project, owner: Person, acme: Organization) -> None:
    for name in ("net", "access"):
        world.workspace(project, name)
        world.environment(project, name)
    path = f"/projects/{project.id}"
    assert names(api.get(f"{path}/workspaces?filter[names]=NET,x", owner.token)) == ["net"]
    assert names(api.get(f"{path}/workspaces?q=cces", owner.token)) == ["access"]
    assert names(api.get(f"{path}/workspaces?q=cces&filter[names]=net", owner.token)) == ["net"]
    assert names(api.get(f"{path}/environments?filter[name]=Net", owner.token)) == ["net"]
    assert names(api.get(f"/workspaces?filter[organization][name]={acme.name}&filter[names]=net", owner.token)) == [
        "net"
    ]


def test_a_project_is_shown_by_its_slug(api: Api, world: World, acme: Organization, owner: Person) -> None:
    project = world.project(acme, "The Network")
    world.project(world.organization("globex", owner=owner), "The Network")
    shown = api.get(f"/projects/{project.id}?include=effective_tag_bindings", owner.token)
    for slug in ("the-network", "THE-network"):
        assert api.get(f"/organizations/ACME/projects/{slug}?include=effective-tag-bindings", owner.token) == shown
    api.get("/organizations/acme/projects/the-network?include=nobody", owner.token, expect=400)
    stranger = world.member(acme).token
    for token, path in ((owner.token, "acme/projects/other"), (stranger, "acme/projects/the-network")):
        api.get(f"/organizations/{path}", token, expect=404)
    api.get("/organizations/acme/projects/the-network", world.person().token, expect=404)


@pytest.mark.parametrize("who", ["owner", "member", "administrator", "token"])
def test_the_projects_of_all_organizations(
    api: Api, world: World, acme: Organization, owner: Person, statements: Any, who: str
) -> None:
    globex, initech = world.organization("globex", owner=owner), world.organization("initech")
    here, there, beyond = (world.project(each, "network") for each in (acme, globex, initech))
    person = world.person()
    world.project_member(there, person, "viewer")
    token = {
        "owner": owner.token,
        "member": person.token,
        "administrator": world.person(site_role="admin").token,
        "token": world.token(acme),
    }[who]
    seen = {"owner": {here, there}, "member": {there}, "administrator": {here, there, beyond}, "token": {here}}[who]
    listed = api.get("/projects?filter[names]=network", token)
    assert {each["id"] for each in listed["data"]} == {each.id for each in seen}
    assert listed["meta"]["pagination"]["total-count"] == len(seen)
    assert listed["meta"]["status-counts"]["matching"] == len(seen)
    for each in listed["data"]:
        assert api.get(f"/projects/{each['id']}", token)["data"] == each
    found = api.get("/projects?filter[organization]=GLOBEX&filter[names]=network", token)["data"]
    assert {each["id"] for each in found} == {each.id for each in seen & {there}}
    assert names(api.get("/projects?sort=-name&page[size]=1", token))
    with statements() as seen_statements:
        api.get("/projects?include=effective_tag_bindings", token)
    assert len(seen_statements) <= 4


def test_a_document_without_a_token_is_refused(api: Api) -> None:
    api.get("/projects", None, expect=401)
