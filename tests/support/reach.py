"""Everybody who could reach a project or a workspace of it, and what each of them really may do there."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.authentication.callers import load_caller
from app.authz.permissions import P
from app.authz.rules import permissions_on
from app.models import Environment, Organization, Project, Team, Workspace
from app.resources.organizations.access_paths.standing import ABOUT
from tests.support.personas import PERSONAS
from tests.support.world import World

KEY = "secret-key-of-the-test-suite-0123456789"
Subject = tuple[str, str]
# They reach everything, and are in no report.
OF_THE_SITE = {"site administrator"}


def everybody(world: World, organization: Organization, project: Project, workspace: Workspace) -> Mapping[str, str]:
    """Tokens by what their holders have; one of each is on nothing here."""
    tokens = {name: make(world, organization, [project]) for name, make in PERSONAS.items() if name not in OF_THE_SITE}
    environment = next(each for each in world.all(Environment) if each.id == workspace.environment_id)
    scopes: dict[str, dict[str, Any]] = {
        "whole": {},
        "environment": {"environment": environment},
        "another environment": {"environment": world.environment(project)},
        "cell": {"cells": ["eu"]},
        "another cell": {"cells": ["eu-2", "u"]},
        "cell of the environment": {"environment": environment, "cells": ["eu", "us"]},
        "no cell": {"cells": []},
    }
    for name, scope in scopes.items():
        person = world.person()
        world.project_member(project, person, "member", **scope)
        tokens[f"member of {name}"] = person.token
    for role in ("viewer", "owner"):
        tokens[f"project token of a {role}"] = world.project_token(project, role)
    for level in ("user", "owner"):
        both = world.member(organization, world.team(organization, "read-projects"))
        world.acl_entry(workspace, both, level)
        tokens[f"read-projects and {level} of the workspace"] = both.token
    alone = world.member(organization)
    world.acl_entry(workspace, alone, "developer")
    tokens["developer of the workspace"] = alone.token
    team = world.team(organization, visibility="secret")
    world.workspace_access(team, workspace, "plan")
    tokens["member of a secret team"] = world.member(organization, team).token
    # A team acts by its tokens.
    for each in world.all(Team):
        if each.organization_id == organization.id:
            tokens[f"token of {each.id}"] = world.team_token(each)
    return tokens


def subject_of(engine: Engine, token: str) -> Subject:
    """The type and id by which a report names the holder of the token."""
    with Session(engine) as session:
        caller = load_caller(session.connection(), token, KEY, users_create_organizations=False)
    assert caller is not None
    of_token = caller.type in ("organizations", "projects", "agent-pools")
    return ("authentication-tokens", str(caller.token_id)) if of_token else (caller.type, caller.id)


def held(engine: Engine, tokens: Sequence[str], type_: str, identifier: str) -> Mapping[str, frozenset[P]]:
    """What the holder of each token may really do with the project or workspace; nothing if there is none."""
    model = {"projects": Project, "workspaces": Workspace}[type_]
    found = {}
    for token in tokens:
        with Session(engine) as session:
            caller = load_caller(session.connection(), token, KEY, users_create_organizations=False)
            row: Any = session.get(model, identifier)
            # The token of a project that is gone is nobody's.
            held_there = (
                frozenset() if row is None or caller is None else permissions_on(caller, row.grant_columns, row)
            )
        found[token] = held_there & ABOUT[type_][1]
    return found
