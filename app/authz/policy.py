"""The policy: at which levels a grant of each permission counts, and how a caller without it is answered.

This table is the whole policy. Routes and listings name permissions from it, and both functions of ``rules`` (``holds``
for one row in memory, ``where`` for many rows in SQL) read the same lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from app.authz.permissions import P


class Level(StrEnum):
    """The kind of thing that a grant is about."""

    __hash__ = str.__hash__

    SITE = "site"
    ORGANIZATION = "organization"
    VISIBLE_TEAMS = "visible-teams"
    """The teams of an organization that are not secret."""
    ORDINARY_TEAMS = "ordinary-teams"
    """The teams of an organization, secret ones, too, without that of its owners."""
    TEAM = "team"
    SHARED_VARSETS = "shared-varsets"
    """The variable sets that an organization owns itself, not one of its projects."""
    SOME_PROJECT = "some-project"
    """Some project of an organization, or a part of one, without saying which."""
    PROJECTS = "projects"
    """What happens in the projects of an organization, and in their workspaces."""
    WORKSPACES = "workspaces"
    """What happens in the workspaces of an organization."""
    PROJECT = "project"
    PROJECT_ACCESS = "project-access"
    """The resources that show who has access to a project: its teams, tokens and invitations."""
    ENVIRONMENT = "environment"
    CELL = "cell"
    """The workspaces of a project that are in one cell."""
    ENVIRONMENT_CELL = "environment-cell"
    """Those of them that are in one environment as well."""
    WORKSPACE = "workspace"
    MEMBERSHIP = "membership"
    """The caller's own memberships, roles in projects and levels on workspaces."""
    USER = "user"
    PUBLIC = "public"
    """What everybody may see."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The levels at which a permission can be granted, and the status for a caller who lacks it.

    404 hides that the resource exists. 403 is for the few cases in which HCP Terraform answers 403 to a caller who can
    see the resource (spec: conventions, authentication and the 401/403/404 rule).
    """

    levels: frozenset[Level]
    refusal: int = 404


def _rule(*levels: Level, refusal: int = 404) -> Rule:
    return Rule(frozenset({Level.SITE, *levels}), refusal)


_ORGANIZATION = _rule(Level.ORGANIZATION)
_TEAM = _rule(Level.ORGANIZATION, Level.VISIBLE_TEAMS, Level.TEAM)
_PROJECT = _rule(Level.ORGANIZATION, Level.PROJECT)
_VARSET = _rule(Level.ORGANIZATION, Level.SHARED_VARSETS, Level.PROJECT)
_ENVIRONMENT = _rule(Level.ORGANIZATION, Level.PROJECT, Level.ENVIRONMENT)
# Where a role in a project holds: everywhere, or in one environment, in some cells, or in both.
_PLACES = (Level.PROJECT, Level.ENVIRONMENT, Level.CELL, Level.ENVIRONMENT_CELL)
_WORKSPACE = _rule(Level.ORGANIZATION, *_PLACES, Level.WORKSPACE)
# Not of the site: no administrator acts as somebody else.
_OWN = Rule(frozenset({Level.ORGANIZATION, Level.USER}))
_TOKEN = Rule(
    frozenset(
        {Level.ORGANIZATION, Level.VISIBLE_TEAMS, Level.ORDINARY_TEAMS, Level.TEAM, Level.PROJECT, Level.USER},
    ),
)

POLICY: Mapping[P, Rule] = {
    P.ORGANIZATION_READ: _ORGANIZATION,
    P.ORGANIZATION_CREATE: _rule(),
    P.ORGANIZATION_UPDATE: _ORGANIZATION,
    P.ORGANIZATION_DELETE: _ORGANIZATION,
    # On a role or a level that somebody has it shows the address.
    P.MEMBERSHIP_READ: _rule(Level.ORGANIZATION, Level.MEMBERSHIP, Level.USER),
    P.MEMBERSHIP_CREATE: _ORGANIZATION,
    P.MEMBERSHIP_DELETE: _ORGANIZATION,
    P.USER_READ: _rule(Level.ORGANIZATION, Level.USER),
    P.ACCOUNT_READ: _OWN,
    P.ACCOUNT_UPDATE: _OWN,
    P.SITE_ROLE_MANAGE: _rule(),
    P.TOKEN_MANAGE: _TOKEN,
    P.TEAM_READ: _TEAM,
    P.TEAM_CREATE: _ORGANIZATION,
    P.TEAM_UPDATE: _TEAM,
    P.TEAM_DELETE: _TEAM,
    P.TEAM_UPDATE_ORGANIZATION_ACCESS: _TEAM,
    P.TEAM_UPDATE_MEMBERSHIP: _TEAM,
    P.OWNERS_UPDATE_MEMBERSHIP: _ORGANIZATION,
    P.TAG_KEY_RESERVE: _ORGANIZATION,
    P.AGENT_POOL_READ: _ORGANIZATION,
    P.AGENT_POOL_MANAGE: _ORGANIZATION,
    P.PROJECT_READ: _PROJECT,
    P.PROJECT_CREATE: _ORGANIZATION,
    P.PROJECT_UPDATE: _PROJECT,
    P.PROJECT_DELETE: _PROJECT,
    P.PROJECT_FORCE_DELETE: _rule(Level.ORGANIZATION, Level.PROJECT, refusal=403),
    # Asked of the workspace that is to be: a role that holds in one place creates there.
    P.PROJECT_CREATE_WORKSPACE: _rule(Level.ORGANIZATION, Level.SOME_PROJECT, *_PLACES),
    P.PROJECT_MOVE_WORKSPACE: _PROJECT,
    P.PROJECT_ADD_TAGS: _PROJECT,
    P.PROJECT_REMOVE_TAGS: _PROJECT,
    P.PROJECT_READ_TEAMS: _PROJECT,
    P.PROJECT_MANAGE_TEAMS: _PROJECT,
    P.PROJECT_MANAGE_VARSETS: _PROJECT,
    P.PROJECT_WIPE: _rule(Level.ORGANIZATION, Level.PROJECT, refusal=403),
    # Members whose role is limited to a part of the project see themselves and no other members.
    P.PROJECT_READ_MEMBERS: _rule(Level.ORGANIZATION, Level.PROJECT, Level.MEMBERSHIP),
    P.PROJECT_MANAGE_MEMBERS: _rule(Level.ORGANIZATION, Level.PROJECT, refusal=403),
    P.PROJECT_MANAGE_OWNERS: _rule(Level.ORGANIZATION, Level.PROJECT, refusal=403),
    # Everybody may give up their own access, whoever else may take it away.
    P.ACCESS_GIVE_UP: Rule(frozenset({Level.MEMBERSHIP})),
    P.ENVIRONMENT_READ: _ENVIRONMENT,
    P.ENVIRONMENT_MANAGE: _rule(Level.ORGANIZATION, Level.PROJECT, refusal=403),
    P.INVITATION_MANAGE: _rule(
        Level.ORGANIZATION,
        Level.WORKSPACES,
        Level.PROJECT_ACCESS,
        *_PLACES,
        Level.WORKSPACE,
    ),
    P.INVITATION_ACCEPT: Rule(frozenset({Level.USER})),
    P.VARSET_READ: _VARSET,
    P.VARSET_MANAGE: _VARSET,
    P.WORKSPACE_READ: _WORKSPACE,
    P.WORKSPACE_UPDATE: _WORKSPACE,
    P.WORKSPACE_DELETE: _WORKSPACE,
    P.WORKSPACE_FORCE_DELETE: _rule(Level.ORGANIZATION, *_PLACES, Level.WORKSPACE, refusal=403),
    P.WORKSPACE_MOVE: _rule(Level.ORGANIZATION, Level.PROJECT, refusal=403),
    P.WORKSPACE_LOCK: _WORKSPACE,
    P.WORKSPACE_FORCE_UNLOCK: _WORKSPACE,
    P.WORKSPACE_MANAGE_TAGS: _WORKSPACE,
    P.WORKSPACE_MANAGE_RUN_TASKS: _WORKSPACE,
    P.WORKSPACE_MANAGE_TEAMS: _WORKSPACE,
    P.WORKSPACE_READ_ACL: _WORKSPACE,
    P.WORKSPACE_MANAGE_ACL: _rule(Level.ORGANIZATION, *_PLACES, Level.WORKSPACE, refusal=403),
    P.WORKSPACE_MANAGE_OWNERS: _rule(Level.ORGANIZATION, *_PLACES, Level.WORKSPACE, refusal=403),
    P.WORKSPACE_READ_PUBLIC: Rule(frozenset({Level.PUBLIC})),
    # The whole list at once reaches workspaces that a caller may not see.
    P.WORKSPACE_REPLACE_CONSUMERS: _ORGANIZATION,
    P.RUN_READ: _WORKSPACE,
    P.RUN_PLAN: _WORKSPACE,
    P.RUN_APPLY: _WORKSPACE,
    P.VARIABLE_READ: _WORKSPACE,
    P.VARIABLE_WRITE: _WORKSPACE,
    P.STATE_READ_OUTPUTS: _WORKSPACE,
    P.STATE_READ: _WORKSPACE,
    P.STATE_WRITE: _WORKSPACE,
    P.ACTIVITY_READ: _rule(
        Level.ORGANIZATION,
        Level.PROJECTS,
        Level.WORKSPACES,
        Level.PROJECT_ACCESS,
        *_PLACES,
        Level.WORKSPACE,
    ),
    # The token names the organization: somebody of the site, or a user of several, would not say which one.
    P.AUDIT_TRAIL_READ: Rule(frozenset({Level.ORGANIZATION})),
    P.CLOUD_PROVIDER_READ: Rule(frozenset({Level.PUBLIC})),
}


@cache
def allowed_at(level: Level, permissions: frozenset[P]) -> frozenset[P]:
    """Those of the permissions that a grant at this level can give, according to the policy."""
    return frozenset(permission for permission in permissions if level in POLICY[permission].levels)
