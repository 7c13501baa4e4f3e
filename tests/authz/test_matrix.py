"""Who may do what, as one table in the repository: every persona, as the service itself loads it from a token.

A change of a role or a rule shows as a changed line of ``golden_matrix.txt`` in review. To accept it, run the test
with ``UPDATE_GOLDEN=1``.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session, joinedload

from app.authentication.callers import Caller, load_caller
from app.authz.grants import SITE
from app.authz.permissions import P
from app.authz.policy import Level
from app.authz.roles import ACL_LEVELS, ORGANIZATION_ACCESS, PROJECT_ROLES
from app.authz.rules import permissions_on
from app.models import (
    ActivityEvent,
    Agent,
    AgentPool,
    AuthenticationToken,
    Environment,
    Invitation,
    Organization,
    Project,
    ProjectMember,
    RepositoryLink,
    Team,
    TeamProject,
    TeamWorkspace,
    Varset,
    Workspace,
    WorkspaceAclEntry,
)
from app.persistence import now
from app.services import services
from tests.support.world import World

GOLDEN = Path(__file__).parent / "golden_matrix.txt"
CUSTOM: dict[str, dict[str, Any]] = {
    "nothing more": {},
    "settings update": {"settings": "update"},
    "settings delete": {"settings": "delete"},
    "teams read": {"teams": "read"},
    "teams manage": {"teams": "manage"},
    "variable-sets write": {"variable-sets": "write"},
    "runs plan": {"runs": "plan"},
    "runs apply": {"runs": "apply"},
    "variables read": {"variables": "read"},
    "variables write": {"variables": "write"},
    "state-versions read-outputs": {"state-versions": "read-outputs"},
    "state-versions read": {"state-versions": "read"},
    "state-versions write": {"state-versions": "write"},
    "create": {"create": True},
    "locking": {"locking": True},
    "delete": {"delete": True},
    "move": {"move": True},
    "run-tasks": {"run-tasks": True},
}
OPTIONS: dict[Any, list[Any]] = {
    TeamProject: [joinedload(TeamProject.team)],
    TeamWorkspace: [joinedload(TeamWorkspace.team), joinedload(TeamWorkspace.workspace)],
}
ON_WORKSPACE: dict[str, dict[str, Any]] = {
    "nothing more": {},
    "runs plan": {"runs": "plan"},
    "runs apply": {"runs": "apply"},
    "variables read": {"variables": "read"},
    "variables write": {"variables": "write"},
    "state-versions read-outputs": {"state-versions": "read-outputs"},
    "state-versions read": {"state-versions": "read"},
    "state-versions write": {"state-versions": "write"},
    "workspace-locking": {"workspace-locking": True},
    "run-tasks": {"run-tasks": True},
}


class Scene:
    """One organization, a place in it that the personas' teams are given access to, and a stranger beside it."""

    def __init__(self, world: World, *, allows_force: bool) -> None:
        self.world = world
        self.organization = world.organization(allow_force_delete_workspaces=allows_force)
        self.default = world.default_project(self.organization)
        self.project = world.project(self.organization)
        self.other = world.project(self.organization)
        self.workspace = world.workspace(self.project)
        self.neighbour = world.workspace(self.project)
        self.visible = world.team(self.organization, visibility="organization")
        self.secret = world.team(self.organization)
        self.owners = world.owners(self.organization)
        self.shown_access = world.access(self.visible, self.project, "read")
        self.hidden_access = world.access(self.secret, self.project, "read")
        self.shared_varset = world.varset(self.organization)
        self.own_varset = world.varset(self.organization, project=self.project)
        self.workspace_access = world.workspace_access(self.visible, self.workspace, "read")
        self.pool = world.pool(self.organization)
        self.pool_token = world.pool_token(self.pool)
        self.agent, self.embedded = world.agent(self.pool), world.agent()
        self.populate_places()
        self.populate_people()

    def populate_places(self) -> None:
        world = self.world
        self.environment, self.beside = (world.environment(self.project) for _ in range(2))
        here, there = {"environment_id": self.environment.id}, {"environment_id": self.beside.id}
        self.in_environment = world.workspace(self.project, **here)
        self.in_cell = world.workspace(self.project, **here, cell="eu")
        self.in_other_cell = world.workspace(self.project, **here, cell="us")
        self.in_cell_beside = world.workspace(self.project, **there, cell="eu")
        ids = {"organization_id": self.organization.id, "project_id": self.project.id}
        self.link = world.add(RepositoryLink(**ids, url="https://example.test/a"))
        happened = {"action": "x.y", "actor_type": "users", "actor_name": "x", "subject_type": "x", "subject_id": "x"}
        placed = {"workspace_id": self.in_cell.id, "environment_id": self.environment.id, "cell": "eu"}
        self.told = world.add(ActivityEvent(**ids, **happened, changes={}))
        self.told_of_access = world.add(ActivityEvent(**ids, **happened, changes={}, is_about_access=True))
        self.told_in_cell = world.add(ActivityEvent(**ids, **placed, **happened, changes={}))
        self.told_of_organization = world.add(
            ActivityEvent(organization_id=self.organization.id, **happened, changes={})
        )

    def populate_people(self) -> None:
        world = self.world
        self.someone = world.project_member(self.project, world.member(self.organization), "viewer")
        self.entry = world.acl_entry(self.in_cell, world.member(self.organization), "user")
        invited = {
            "organization_id": self.organization.id,
            "email": "new@example.test",
            "nonce": "n",
            "expires_at": now(),
        }
        self.invitation = world.add(Invitation(**invited, project_id=self.project.id, role="viewer"))
        self.invitation_to_workspace = world.add(Invitation(**invited, workspace_id=self.in_cell.id, role="user"))

    def subjects(self) -> dict[str, tuple[type[Any], str]]:
        return {
            "the organization": (Organization, self.organization.id),
            "the default project": (Project, self.default.id),
            "the project": (Project, self.project.id),
            "another project": (Project, self.other.id),
            "a workspace of the project": (Workspace, self.workspace.id),
            "another workspace of it": (Workspace, self.neighbour.id),
            "a variable set of the organization": (Varset, self.shared_varset.id),
            "a variable set of the project": (Varset, self.own_varset.id),
            "a visible team": (Team, self.visible.id),
            "a secret team": (Team, self.secret.id),
            "the owners team": (Team, self.owners.id),
            "access of a visible team": (TeamProject, self.shown_access.id),
            "access of a secret team": (TeamProject, self.hidden_access.id),
            "access of a visible team to the workspace": (TeamWorkspace, self.workspace_access.id),
            "an environment": (Environment, self.environment.id),
            "another environment": (Environment, self.beside.id),
            "a workspace in the environment": (Workspace, self.in_environment.id),
            "a workspace in a cell of it": (Workspace, self.in_cell.id),
            "a workspace in another cell of it": (Workspace, self.in_other_cell.id),
            "a workspace in the same cell of another environment": (Workspace, self.in_cell_beside.id),
            "a member of the project": (ProjectMember, self.someone.id),
            "an entry of the list of the workspace in the cell": (WorkspaceAclEntry, self.entry.id),
            "an invitation to the project": (Invitation, self.invitation.id),
            "an invitation to the workspace in the cell": (Invitation, self.invitation_to_workspace.id),
            "an agent pool": (AgentPool, self.pool.id),
            "a token of the pool": (AuthenticationToken, self.id_of_pool_token()),
            "an agent of the pool": (Agent, self.agent.id),
            "an agent of the built-in pool": (Agent, self.embedded.id),
            "a repository link": (RepositoryLink, self.link.id),
            "an event of the organization": (ActivityEvent, self.told_of_organization.id),
            "an event of the project": (ActivityEvent, self.told.id),
            "an event about access to the project": (ActivityEvent, self.told_of_access.id),
            "an event of the workspace in the cell": (ActivityEvent, self.told_in_cell.id),
        }

    def id_of_pool_token(self) -> str:
        tokens = self.world.all(AuthenticationToken)
        return next(str(token.id) for token in tokens if token.agent_pool_id == self.pool.id)

    def personas(self) -> Iterator[tuple[str, str]]:
        world, organization = self.world, self.organization
        yield "site administrator", world.person(site_role="admin").token
        yield "owner", world.owner(organization).token
        yield "organization token", world.token(organization)
        yield "member", world.member(organization).token
        yield "member of the secret team", world.member(organization, self.secret).token
        yield "invited", self.invited()
        yield "stranger", world.owner(world.organization()).token
        for flag in ORGANIZATION_ACCESS:
            flags = {flag} | ({"manage-teams"} if flag == "access-secret-teams" else set())
            yield f"team with {' and '.join(sorted(flags))}", self.member_of(*flags)
        for level in ("read", "write", "maintain", "admin"):
            yield f"project {level}", self.with_access(level)
        for name, details in CUSTOM.items():
            yield f"project custom: {name}", self.with_access("custom", details)
        for level in ("read", "plan", "write", "admin"):
            yield f"workspace {level}", self.on_workspace(level)
        for name, details in ON_WORKSPACE.items():
            yield f"workspace custom: {name}", self.on_workspace("custom", details)
        yield "token of a team with nothing", self.token_of()
        yield "token of a team with manage-workspaces", self.token_of("manage-workspaces")
        yield "token of a team with project write and workspace admin", self.token_of_granted()
        yield "token of the owners team", world.team_token(self.owners)
        yield "super user", world.person(site_role="super_user").token
        yield "token of the agent pool", self.pool_token
        yield "token of another agent pool", world.pool_token(world.pool(organization))
        yield from self.people()

    def people(self) -> Iterator[tuple[str, str]]:
        """Those with a role in the project, a level on the workspace in the cell, or a token of the project."""
        scopes: dict[str, dict[str, Any]] = {
            "": {},
            " in the environment": {"environment": self.environment},
            " in the cell": {"cells": ["eu"]},
            " in the cell of the environment": {"environment": self.environment, "cells": ["eu"]},
            " in no cell": {"cells": []},
        }
        for role in PROJECT_ROLES:
            for place, scope in scopes.items():
                if role != "owner" or not scope:
                    yield f"role {role}{place}", self.with_role(role, **scope)
        for level in ACL_LEVELS:
            person = self.world.member(self.organization)
            self.world.acl_entry(self.in_cell, person, level)
            yield f"level {level}", person.token
        for role in PROJECT_ROLES:
            yield f"project token {role}", self.world.project_token(self.project, role)

    def with_role(self, role: str, **scope: Any) -> str:
        person = self.world.member(self.organization)
        self.world.project_member(self.project, person, role, **scope)
        return person.token

    def invited(self) -> str:
        person = self.world.person()
        self.world.membership(self.organization, person, status="invited")
        return person.token

    def member_of(self, *flags: str) -> str:
        team = self.world.team(self.organization, *flags)
        return self.world.member(self.organization, team).token

    def with_access(self, level: str, details: dict[str, Any] | None = None) -> str:
        team = self.world.team(self.organization)
        self.world.access(team, self.project, level, details)
        return self.world.member(self.organization, team).token

    def on_workspace(self, level: str, details: dict[str, Any] | None = None) -> str:
        team = self.world.team(self.organization)
        self.world.workspace_access(team, self.workspace, level, details)
        return self.world.member(self.organization, team).token

    def token_of(self, *flags: str) -> str:
        return self.world.team_token(self.world.team(self.organization, *flags))

    def token_of_granted(self) -> str:
        team = self.world.team(self.organization)
        self.world.access(team, self.project, "write")
        self.world.workspace_access(team, self.workspace, "admin")
        return self.world.team_token(team)


@pytest.mark.one_database
def test_who_may_do_what(app: Flask, world: World) -> None:
    actual = "\n".join([*table(app, world, allows_force=False), "", *table(app, world, allows_force=True), ""])
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(actual, encoding="utf-8")
    assert actual == GOLDEN.read_text(encoding="utf-8")


def table(app: Flask, world: World, *, allows_force: bool) -> Iterator[str]:
    scene = Scene(world, allows_force=allows_force)
    yield f"== the organization {'allows' if allows_force else 'does not allow'} force-deleting workspaces =="
    load = loader(app)
    for persona, token in scene.personas():
        caller = load(token)
        yield ""
        yield f"[{persona}]"
        on_site = caller.grants.at(Level.SITE, SITE)
        if on_site:
            yield f"  the site: {listed(on_site)}"
        with Session(services(app).engines.writing) as session:
            for name, (model, identifier) in scene.subjects().items():
                options = OPTIONS.get(model, [])
                row = session.get_one(model, identifier, options=options)
                permissions = relevant(model, permissions_on(caller, model.grant_columns, row) - on_site)
                if permissions:
                    yield f"  {name}: {listed(permissions)}"


def relevant(model: type[Any], permissions: frozenset[P]) -> frozenset[P]:
    """Those that are asked on rows of this table; an owner holds the others on it, too, to no effect."""
    kinds = {
        Organization: (
            "organization",
            "token",
            "membership",
            "user",
            "account",
            "team:create",
            "project:create",
            "agent-pool",
            "activity:",
            "audit-trail:",
        ),
        Team: ("team:", "owners:"),
        AgentPool: ("agent-pool:", "token:"),
        Agent: ("agent-pool:",),
        AuthenticationToken: ("token:",),
        TeamProject: ("project:read-teams", "project:manage-teams"),
        TeamWorkspace: ("workspace:read", "workspace:manage-teams"),
        Varset: ("varset:",),
        Project: ("project:",),
        Workspace: ("workspace:", "run:", "variable:", "state:", "project:create-workspace"),
        Environment: ("environment:",),
        ProjectMember: ("project:read-members", "project:manage-members", "project:manage-owners", "access:"),
        WorkspaceAclEntry: ("workspace:read-acl", "workspace:manage-acl", "workspace:manage-owners", "access:"),
        Invitation: ("invitation:",),
        RepositoryLink: ("project:read", "project:update"),
        ActivityEvent: ("activity:",),
    }[model]
    return frozenset(permission for permission in permissions if permission.startswith(kinds))


def listed(permissions: frozenset[P]) -> str:
    return ", ".join(permission for permission in P if permission in permissions)


def loader(app: Flask) -> Callable[[str], Caller]:
    settings = services(app).settings

    def load(token: str) -> Caller:
        with services(app).engines.reading.connect() as connection:
            caller = load_caller(connection, token, settings.secret_key, users_create_organizations=False)
        assert caller is not None
        return caller

    return load
