"""A role that holds in one environment, in some cells or in both: what somebody who has it sees, and may do."""

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from app.authentication.callers import load_caller
from app.authz.permissions import P
from app.authz.policy import Level
from app.models import (
    AllowedWorkspace,
    Environment,
    Organization,
    Project,
    RemoteStateConsumer,
    TagBinding,
    VarsetWorkspace,
    Workspace,
)
from app.services import services
from tests.support.api import Api, document
from tests.support.states import States, state
from tests.support.world import Person, World

WORKSPACES = "/organizations/acme/workspaces"
# Where each role holds: whether in the environment alone, and in which cells.
PLACES: dict[str, dict[str, Any]] = {
    "environment": {"environment": True, "cells": None},
    "cell": {"environment": False, "cells": ["eu"]},
    "both": {"environment": True, "cells": ["eu"]},
    "nowhere": {"environment": True, "cells": []},
}
SEEN = {
    "environment": ["prod-eu", "prod-none", "prod-us"],
    "cell": ["default-eu", "prod-eu"],
    "both": ["prod-eu"],
    "nowhere": [],
}


@dataclass
class Scene:
    """A project with a workspace in each cell of each of two environments, and in none, and the same beside it."""

    api: Api
    world: World
    organization: Organization
    project: Project
    environment: Environment
    workspaces: dict[str, Workspace]
    owner: Person

    def scoped(self, where: str, role: str = "admin") -> str:
        """The token of somebody whose role holds there."""
        person = self.world.person()
        place = PLACES[where]
        environment = self.environment if place["environment"] else None
        self.world.project_member(self.project, person, role, environment=environment, cells=place["cells"])
        return person.token

    def into(self, environment: Environment | None) -> dict[str, Any]:
        return {"project_environment": ("environments", environment.id)} if environment else {}


@pytest.fixture
def scene(api: Api, world: World, acme: Organization, owner: Person) -> Scene:
    project, other = world.project(acme, "net"), world.project(acme, "other")
    workspaces: dict[str, Workspace] = {}
    production = world.environment(project, "prod")
    for name, each in (("default", world.default_environment(project)), ("prod", production)):
        for cell in (None, "eu", "us"):
            made = world.workspace(project, f"{name}-{cell or 'none'}".lower(), environment_id=each.id, cell=cell)
            workspaces[made.name] = made
    twin = world.environment(other, "prod")
    workspaces["twin"] = world.workspace(other, "twin", environment_id=twin.id, cell="eu")
    return Scene(api, world, acme, project, production, workspaces, owner)


def names(answer: Any) -> list[str]:
    return sorted(each["attributes"]["name"] for each in answer["data"])


@pytest.mark.parametrize("where", PLACES)
def test_lists_counts_and_includes_end_where_the_role_does(scene: Scene, where: str) -> None:
    token, seen = scene.scoped(where), SEEN[where]
    listed = scene.api.get(f"{WORKSPACES}?page[size]=1&include=project", token)
    assert listed["meta"]["pagination"]["total-count"] == len(seen)
    for query in ("", "?sort=-name", "?search[name]=-", f"?filter[project][id]={scene.project.id}"):
        assert names(scene.api.get(f"{WORKSPACES}{query}", token)) == seen
    projects = scene.api.get("/organizations/acme/projects", token)
    assert names(projects) == ["net"]
    assert projects["meta"]["status-counts"] == {"total": 1, "matching": 1}
    assert projects["data"][0]["attributes"]["workspace-count"] == len(seen)
    for name, workspace in scene.workspaces.items():
        status = 200 if name in seen else 404
        scene.api.get(f"/workspaces/{workspace.id}", token, expect=status)
        scene.api.get(f"{WORKSPACES}/{name}", token, expect=status)


@pytest.mark.parametrize("where", PLACES)
def test_what_refers_to_workspaces_names_those_where_the_role_holds(scene: Scene, where: str) -> None:
    world, organization = scene.world, scene.organization
    varset, pool = world.varset(organization), world.pool(organization, organization_scoped=False)
    sharing = scene.workspaces["prod-eu"]
    for workspace in scene.workspaces.values():
        world.add(VarsetWorkspace(varset_id=varset.id, workspace_id=workspace.id))
        world.add(AllowedWorkspace(agent_pool_id=pool.id, workspace_id=workspace.id))
        if workspace is not sharing:
            world.add(RemoteStateConsumer(workspace_id=sharing.id, consumer_id=workspace.id))
    token, seen = scene.scoped(where), SEEN[where]
    of_pool = scene.api.get(f"/agent-pools/{pool.id}", token)["data"]["relationships"]
    assert ids(of_pool["allowed-workspaces"]["data"]) == {scene.workspaces[name].id for name in seen}
    if not seen:
        scene.api.get(f"/workspaces/{sharing.id}/relationships/remote-state-consumers", token, expect=404)
        return
    shown = scene.api.get(f"/varsets/{varset.id}?include=workspaces", token)
    assert ids(shown["data"]["relationships"]["workspaces"]["data"]) == {scene.workspaces[name].id for name in seen}
    assert sorted(each["attributes"]["name"] for each in shown["included"]) == seen
    assert shown["data"]["attributes"]["workspace-count"] == len(seen)
    consumers = scene.api.get(f"/workspaces/{sharing.id}/relationships/remote-state-consumers", token)
    assert names(consumers) == [name for name in seen if name != "prod-eu"]
    assert consumers["meta"]["pagination"]["total-count"] == len(seen) - 1


def ids(linkage: Any) -> set[str]:
    return {each["id"] for each in linkage}


@pytest.mark.parametrize("where", ["environment", "cell", "both"])
@pytest.mark.parametrize("role", ["member", "admin"])
def test_state_is_kept_where_the_role_holds_and_nowhere_else(scene: Scene, where: str, role: str) -> None:
    token = scene.scoped(where, role)
    states = States(scene.api, scene.workspaces["prod-eu"], token)
    states.save(state(outputs={"address": {"value": "x", "type": "string"}}))
    found = scene.api.get(f"{WORKSPACES}/prod-eu?include=outputs,current_state_version,locked_by", token)
    assert {each["type"] for each in found["included"]} == {"workspace-outputs", "state-versions"}
    by_name = "filter[organization][name]=acme&filter[workspace][name]"
    assert len(scene.api.get(f"/state-versions?{by_name}=prod-eu", token)["data"]) == 1
    hidden = next(name for name in ("default-us", "default-none") if name not in SEEN[where])
    elsewhere = scene.workspaces[hidden]
    of_owner = States(scene.api, elsewhere, scene.owner.token)
    version = of_owner.save(state())["data"]["id"]
    scene.api.get(f"/state-versions?{by_name}={hidden}", token, expect=404)
    scene.api.get(f"/state-versions/{version}", token, expect=404)
    scene.api.get(f"/workspaces/{elsewhere.id}/current-state-version", token, expect=404)
    for action in ("lock", "unlock", "force-unlock", "safe-delete"):
        scene.api.post(f"/workspaces/{elsewhere.id}/actions/{action}", token, {}, expect=404)
    scene.api.get(f"/workspaces/{elsewhere.id}/vars", token, expect=404)


@pytest.mark.one_database
@pytest.mark.parametrize("role", ["member", "admin"])
@pytest.mark.parametrize(
    ("where", "environment", "cell", "status"),
    [
        ("environment", "prod", None, 201),
        ("environment", "prod", "eu", 201),
        ("environment", None, None, 422),
        ("cell", None, "eu", 201),
        ("cell", "prod", "eu", 201),
        ("cell", "prod", "us", 422),
        ("cell", "prod", None, 422),
        ("both", "prod", "eu", 201),
        ("both", "prod", None, 422),
        ("both", "prod", "us", 422),
        ("both", None, "eu", 422),
        ("nowhere", "prod", "eu", 422),
    ],
)
def test_workspaces_are_made_where_the_role_holds(
    scene: Scene, where: str, environment: str | None, cell: str | None, status: int, role: str
) -> None:
    place = scene.into(scene.environment if environment else None)
    sent = document(
        "workspaces",
        {"name": "new", **({"cell": cell} if cell else {})},
        project=("projects", scene.project.id),
        **place,
    )
    answer = scene.api.post(WORKSPACES, scene.scoped(where, role), sent, expect=status)
    if status == 201:
        assert answer["data"]["attributes"]["cell"] == cell
        assert answer["data"]["attributes"]["environment"] == (environment or "default")


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("where", "attributes", "is_moved", "status"),
    [
        ("environment", {"cell": "us"}, False, 200),
        ("environment", {"cell": None}, False, 200),
        ("environment", {}, True, 422),
        ("cell", {"cell": "us"}, False, 404),
        ("cell", {"cell": None}, False, 404),
        ("cell", {}, True, 200),
        ("both", {"cell": "us"}, False, 404),
        ("both", {}, True, 422),
        ("both", {"cell": "eu", "description": "the same place"}, False, 200),
    ],
)
def test_a_workspace_stays_where_the_role_holds(
    scene: Scene, where: str, attributes: dict[str, Any], *, is_moved: bool, status: int
) -> None:
    workspace, token = scene.workspaces["prod-eu"], scene.scoped(where)
    default = scene.world.default_environment(scene.project)
    sent = document("workspaces", attributes, **scene.into(default if is_moved else None))
    answer = scene.api.patch(f"/workspaces/{workspace.id}", token, sent, expect=status)
    if status == 422:
        unknown = document("workspaces", project_environment=("environments", "env-unknown"))
        assert scene.api.patch(f"/workspaces/{workspace.id}", token, unknown, expect=422) == answer
    if status != 200:
        kept = scene.api.get(f"/workspaces/{workspace.id}", scene.owner.token)["data"]
        assert kept["attributes"]["cell"] == "eu"
        assert kept["relationships"]["project-environment"]["data"]["id"] == scene.environment.id
    # To another project goes nothing, whatever the role.
    into = document("workspaces", project=("projects", scene.workspaces["twin"].project_id))
    scene.api.patch(f"/workspaces/{workspace.id}", token, into, expect=422)
    into_project = {"data": [{"type": "workspaces", "id": workspace.id}]}
    scene.api.post(f"/projects/{scene.project.id}/relationships/workspaces", token, into_project, expect=404)


def test_a_role_reaches_what_comes_to_its_place_and_no_longer_what_left(scene: Scene) -> None:
    token, workspace = scene.scoped("both"), scene.workspaces["prod-us"]
    path = f"/workspaces/{workspace.id}"
    scene.api.get(path, token, expect=404)
    scene.api.patch(path, scene.owner.token, document("workspaces", {"cell": "eu"}))
    scene.api.get(path, token)
    default = scene.world.default_environment(scene.project)
    scene.api.patch(path, scene.owner.token, document("workspaces", **scene.into(default)))
    scene.api.get(path, token, expect=404)
    # In another project there is an environment of the same name.
    other = scene.workspaces["twin"].project_id
    moved = scene.workspaces["prod-eu"]
    scene.api.get(f"/workspaces/{moved.id}", token)
    ids_sent = {"data": [{"type": "workspaces", "id": moved.id}]}
    scene.api.post(f"/projects/{other}/relationships/workspaces", scene.owner.token, ids_sent, expect=204)
    scene.api.get(f"/workspaces/{moved.id}", token, expect=404)
    assert scene.api.get(f"/projects/{scene.project.id}", token)["data"]["attributes"]["workspace-count"] == 0


def test_whoever_administers_a_workspace_may_send_the_place_where_it_is(scene: Scene) -> None:
    workspace, person = scene.workspaces["prod-eu"], scene.world.person()
    scene.world.acl_entry(workspace, person, "admin")
    path = f"/workspaces/{workspace.id}"
    same = {"cell": "eu", "description": "the same place"}
    scene.api.patch(path, person.token, document("workspaces", same, **scene.into(scene.environment)))
    for sent in (document("workspaces", {"cell": "us"}), document("workspaces", {"cell": None})):
        scene.api.patch(path, person.token, sent, expect=404)
    elsewhere = document("workspaces", **scene.into(scene.world.default_environment(scene.project)))
    scene.api.patch(path, person.token, elsewhere, expect=422)


@pytest.mark.parametrize("where", PLACES)
def test_the_tags_of_an_organization_are_those_of_workspaces_that_one_sees(scene: Scene, where: str) -> None:
    here = {"organization_id": scene.organization.id, "value": ""}
    for name, workspace in scene.workspaces.items():
        for key in ("common", name):
            scene.world.add(TagBinding(**here, workspace_id=workspace.id, key=key))
    token, seen = scene.scoped(where), SEEN[where]
    tags = scene.api.get("/organizations/acme/tags", token)
    counts = {each["attributes"]["name"]: each["attributes"]["instance-count"] for each in tags["data"]}
    assert counts == dict.fromkeys(seen, 1) | ({"common": len(seen)} if seen else {})


@pytest.mark.one_database
@pytest.mark.parametrize("allows_force", [True, False])
@pytest.mark.parametrize("holder", ["role", "scoped role", "level", "token"])
def test_where_the_organization_allows_force_whoever_may_delete_may_force(
    api: Api, world: World, holder: str, *, allows_force: bool
) -> None:
    project = world.project(world.organization("acme", allow_force_delete_workspaces=allows_force))
    workspace, person = world.workspace(project, "net"), world.person()
    token = person.token
    if holder == "role":
        world.project_member(project, person, "admin")
    elif holder == "scoped role":
        world.project_member(project, person, "admin", environment=world.default_environment(project))
    elif holder == "level":
        world.acl_entry(workspace, person, "admin")
    else:
        token = world.project_token(project, "admin")
    flags = api.get(f"/workspaces/{workspace.id}", token)["data"]["attributes"]["permissions"]
    assert (flags["can-destroy"], flags["can-force-delete"]) == (True, allows_force)
    api.delete(f"/workspaces/{workspace.id}", token, expect=204 if allows_force else 403)


def test_whoever_reads_all_workspaces_and_the_names_of_projects_does_not_read_what_happens_in_projects(
    app: Flask, world: World, acme: Organization
) -> None:
    both = world.team(acme, "read-workspaces", "manage-agent-pools")
    levels = {}
    for name, team in (("both", both), ("projects", world.team(acme, "read-projects"))):
        with services(app).engines.reading.connect() as connection:
            key = services(app).settings.secret_key
            caller = load_caller(connection, world.member(acme, team).token, key, users_create_organizations=False)
        assert caller is not None
        levels[name] = {level for level in Level if caller.grants.targets(level, P.ACTIVITY_READ)}
    assert levels == {"both": {Level.WORKSPACES}, "projects": {Level.PROJECTS}}


@pytest.mark.parametrize("where", ["environment", "cell", "both"])
def test_people_are_invited_where_the_role_holds(scene: Scene, where: str) -> None:
    token = scene.scoped(where)
    sent = document("invitations", {"email": "new@example.test", "level": "developer"})
    made = scene.api.post(f"/workspaces/{scene.workspaces['prod-eu'].id}/invitations", token, sent)["data"]["id"]
    elsewhere = scene.workspaces["default-us"].id
    hidden = scene.api.post(f"/workspaces/{elsewhere}/invitations", scene.owner.token, sent)["data"]["id"]
    into = document("invitations", {"email": "new@example.test", "role": "viewer"})
    scene.api.post(f"/projects/{scene.project.id}/invitations", token, into, expect=403)
    of_project = scene.api.post(f"/projects/{scene.project.id}/invitations", scene.owner.token, into)["data"]["id"]
    scene.api.post(f"/workspaces/{elsewhere}/invitations", token, sent, expect=404)
    for hidden_id in (hidden, of_project):
        scene.api.get(f"/invitations/{hidden_id}", token, expect=404)
        scene.api.delete(f"/invitations/{hidden_id}", token, expect=404)
    scene.api.delete(f"/invitations/{made}", token)


def test_who_manages_workspaces_invites_to_them_and_into_no_project(scene: Scene) -> None:
    team = scene.world.team(scene.organization, "manage-workspaces", "read-projects")
    token = scene.world.member(scene.organization, team).token
    into = document("invitations", {"email": "new@example.test", "role": "admin"})
    path = f"/projects/{scene.project.id}/invitations"
    of_project = scene.api.post(path, scene.owner.token, into)["data"]["id"]
    for action in ("get", "delete"):
        getattr(scene.api, action)(f"/invitations/{of_project}", token, expect=404)
    scene.api.post(f"/invitations/{of_project}/actions/resend", token, {}, expect=404)
    scene.api.post(path, token, into, expect=403)
    scene.api.get(path, token, expect=403)
    sent = document("invitations", {"email": "new@example.test", "level": "admin"})
    made = scene.api.post(f"/workspaces/{scene.workspaces['prod-eu'].id}/invitations", token, sent)["data"]["id"]
    scene.api.delete(f"/invitations/{made}", token)
