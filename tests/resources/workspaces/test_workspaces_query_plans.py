"""Reading workspaces, their state, variables, sets and tags finds its rows by index, on both databases."""

from itertools import product
from typing import Any

import pytest
from flask import Flask

from app.models import (
    Organization,
    Project,
    TagBinding,
    Team,
    Var,
    VarsetProject,
    VarsetWorkspace,
)
from tests.support.api import Api, document
from tests.support.query_plans import plans, read_from_end_to_end
from tests.support.states import OUTPUTS, States, state
from tests.support.world import Person, World

TABLES = (
    "authentication_tokens",
    "projects",
    "state_version_outputs",
    "state_versions",
    "tag_bindings",
    "team_projects",
    "team_workspaces",
    "vars",
    "varset_projects",
    "varset_workspaces",
    "varsets",
    "workspaces",
)
BY_NAME = "filter[organization][name]=acme&filter[workspace][name]=net"
WORKSPACES = "/organizations/acme/workspaces"

PATHS = [
    "/workspaces/WORKSPACE",
    "/workspaces/WORKSPACE?include=outputs,current_state_version,effective_tag_bindings",
    f"{WORKSPACES}/net",
    WORKSPACES,
    f"{WORKSPACES}?sort=-name",
    f"{WORKSPACES}?sort=-latest-change-at",
    f"{WORKSPACES}?page[number]=3",
    f"{WORKSPACES}?search[name]=net",
    f"{WORKSPACES}?search[wildcard-name]=n*",
    f"{WORKSPACES}?search[tags]=blue",
    f"{WORKSPACES}?search[exclude-tags]=blue",
    f"{WORKSPACES}?filter[tagged][0][key]=env&filter[tagged][0][value]=prod",
    f"{WORKSPACES}?filter[project][id]=PROJECT",
    f"{WORKSPACES}?filter[environment]=ENVIRONMENT",
    f"{WORKSPACES}?include=project,organization,outputs,current_state_version",
    f"{WORKSPACES}?include=vars",
    "/projects/PROJECT/workspaces",
    "/projects/PROJECT/workspaces?sort=-name&page[number]=2&search[name]=net",
    "/projects/PROJECT/workspaces?filter[environment]=ENVIRONMENT",
    "/projects/PROJECT/workspaces/WORKSPACE",
    "/workspaces",
    "/workspaces?sort=-name&page[number]=2",
    "/workspaces?filter[organization]=acme&search[name]=net",
    "/workspaces?filter[environment]=ENVIRONMENT&sort=-name",
    "/workspaces/WORKSPACE/tag-bindings",
    "/workspaces/WORKSPACE/effective-tag-bindings",
    "/workspaces/WORKSPACE/relationships/tags?name=b",
    "/workspaces/WORKSPACE/relationships/remote-state-consumers",
    "/organizations/acme/tags",
    f"/state-versions?{BY_NAME}",
    f"/state-versions?{BY_NAME}&filter[status]=finalized&page[number]=2",
    f"/state-versions?{BY_NAME}&include=created_by,outputs",
    "/state-versions/VERSION",
    "/state-versions/VERSION?include=outputs",
    "/state-versions/VERSION/outputs",
    "/state-version-outputs/OUTPUT",
    "/workspaces/WORKSPACE/current-state-version",
    "/workspaces/WORKSPACE/current-state-version-outputs",
    "/workspaces/WORKSPACE/resources",
    "/workspaces/WORKSPACE/vars",
    "/workspaces/WORKSPACE/all-vars",
    f"/vars?{BY_NAME}",
    "/workspaces/WORKSPACE/varsets",
    "/workspaces/WORKSPACE/applicable-varsets",
    "/workspaces/WORKSPACE/varsets/VARSET/relationships/vars",
    "/projects/PROJECT/varsets",
    "/organizations/acme/varsets",
    "/organizations/acme/varsets?q=a&include=vars,workspaces,projects",
    "/varsets/VARSET",
    "/varsets/VARSET/relationships/vars",
    "/organizations/acme/team-tokens",
]
# Roles in projects manage no tokens of teams, and get 404.
OF_TEAMS = ["/teams/TEAM/authentication-tokens"]
WITHOUT_ROLES = ["owner", "member"]
EVERYBODY = [*WITHOUT_ROLES, "in a project", "in an environment", "in a cell", "in both"]


@pytest.fixture
def ids(world: World, acme: Organization, owner: Person, states: States) -> dict[str, str]:
    """The ids of a workspace and of one of everything that it has, by the word for it in the paths."""
    workspace, varset = states.workspace, world.varset(acme)
    team = world.team(acme, "manage-teams", visibility="organization")
    states.api.patch(f"/workspaces/{workspace.id}", owner.token, document("workspaces", {"cell": "eu"}))
    here = {"organization_id": acme.id}
    world.workspace_access(team, workspace, "admin")
    world.team_token(team)
    world.add(TagBinding(**here, workspace_id=workspace.id, key="blue", value=""))
    world.add(Var(**here, workspace_id=workspace.id, key="region", category="env", value="here"))
    world.add(Var(**here, varset_id=varset.id, key="zone", category="env", value="there"))
    world.add(VarsetWorkspace(varset_id=varset.id, workspace_id=workspace.id))
    world.add(VarsetProject(varset_id=varset.id, project_id=workspace.project_id))
    version = states.save(state(outputs=OUTPUTS))["data"]["id"]
    outputs = states.api.get(f"/state-versions/{version}/outputs", states.token)["data"]
    return {
        "WORKSPACE": workspace.id,
        "PROJECT": workspace.project_id,
        "ENVIRONMENT": workspace.environment_id,
        "VERSION": version,
        "OUTPUT": outputs[0]["id"],
        "VARSET": varset.id,
        "TEAM": team.id,
    }


@pytest.mark.parametrize(("path", "who"), [*product(PATHS, EVERYBODY), *product(OF_TEAMS, WITHOUT_ROLES)])
def test_no_table_is_read_from_end_to_end(
    api: Api, world: World, acme: Organization, owner: Person, app: Flask, ids: dict[str, str], *, path: str, who: str
) -> None:
    token = owner.token if who == "owner" else reader(world, acme, ids, who).token
    for word, identifier in ids.items():
        path = path.replace(word, identifier)
    lines = plans(app, api, path, token)
    assert read_from_end_to_end(lines, TABLES) == [], "\n".join(lines)


def reader(world: World, acme: Organization, ids: dict[str, str], who: str) -> Person:
    """Somebody who administers the workspace, by a team that he is in or by a role that holds in some place."""
    if who == "member":
        return world.member(acme, next(each for each in world.all(Team) if each.id == ids["TEAM"]))
    project = next(each for each in world.all(Project) if each.id == ids["PROJECT"])
    environment = world.default_environment(project)
    places: dict[str, dict[str, Any]] = {
        "in a project": {},
        "in an environment": {"environment": environment},
        "in a cell": {"cells": ["eu"]},
        "in both": {"environment": environment, "cells": ["eu"]},
    }
    person = world.person()
    world.project_member(project, person, "admin", **places[who])
    return person
