"""The policy: the levels at which each permission can be granted, and the answer to a caller without it.

This table is the whole policy. Routes and listings name permissions from it, and both functions of ``rules`` (``holds``
for one row in memory, ``where`` for many rows in SQL) read the same table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from app.authz.permissions import P


class Level(StrEnum):
    """The kind of resource that permissions are granted on."""

    __hash__ = str.__hash__

    SITE = "site"
    ORGANIZATION = "organization"
    VISIBLE_TEAMS = "visible-teams"
    """The teams of an organization that are not secret."""
    ORDINARY_TEAMS = "ordinary-teams"
    """The teams of an organization, including secret ones, except the owners team."""
    AGENT_POOLS = "agent-pools"
    """The tokens of all agent pools of an organization."""
    AGENT_POOL = "agent-pool"
    """The agents and jobs of one pool, for the agents that serve it."""
    TEAM = "team"
    RUN_TASK = "run-task"
    """What a run task is asked about: its result, the run with its plan, and the configuration."""
    SHARED_VARSETS = "shared-varsets"
    """The variable sets that an organization owns itself, not one of its projects."""
    SOME_PROJECT = "some-project"
    """Any one project of an organization, or a part of one."""
    PROJECTS = "projects"
    """Events in all projects of an organization, and in their workspaces."""
    WORKSPACES = "workspaces"
    """Events in all workspaces of an organization, and invitations to them."""
    PROJECT = "project"
    PROJECT_ACCESS = "project-access"
    """The resources that reveal who has access to a project: its teams, tokens and invitations."""
    ENVIRONMENT = "environment"
    CELL = "cell"
    """The workspaces of a project that are in one cell."""
    ENVIRONMENT_CELL = "environment-cell"
    """The workspaces of an environment that are in one cell."""
    WORKSPACE = "workspace"
    MEMBERSHIP = "membership"
    """The caller's own memberships, roles in projects and levels on workspaces."""
    USER = "user"
    PUBLIC = "public"
    """Resources that everybody may see."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The levels at which a permission can be granted, and the status for a caller who lacks it.

    404 hides that the resource exists. 403 is only used where HCP Terraform answers 403 to a caller who can see the
    resource (spec: conventions, authentication and the 401/403/404 rule).
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
# The levels of a role in a project: the whole project, one environment, some cells, or some cells of one environment.
_PROJECT_AND_PARTS = (Level.PROJECT, Level.ENVIRONMENT, Level.CELL, Level.ENVIRONMENT_CELL)
_WORKSPACE = _rule(Level.ORGANIZATION, *_PROJECT_AND_PARTS, Level.WORKSPACE)
# Without the site level: no administrator acts as another user.
_OWN = Rule(frozenset({Level.ORGANIZATION, Level.USER}))
_TOKEN = Rule(
    frozenset(
        {
            Level.ORGANIZATION,
            Level.VISIBLE_TEAMS,
            Level.ORDINARY_TEAMS,
            Level.AGENT_POOLS,
            Level.TEAM,
            Level.PROJECT,
            Level.USER,
        },
    ),
)

POLICY: Mapping[P, Rule] = {
    P.ORGANIZATION_READ: _ORGANIZATION,
    P.ORGANIZATION_CREATE: _rule(refusal=403),
    P.ORGANIZATION_UPDATE: _ORGANIZATION,
    P.ORGANIZATION_DELETE: _ORGANIZATION,
    # On a role in a project or a level on a workspace, this permission shows the e-mail address.
    P.MEMBERSHIP_READ: _rule(Level.ORGANIZATION, Level.MEMBERSHIP, Level.USER),
    P.MEMBERSHIP_FIND: _ORGANIZATION,
    P.MEMBERSHIP_CREATE: _ORGANIZATION,
    P.MEMBERSHIP_DELETE: _ORGANIZATION,
    P.USER_READ: _rule(Level.ORGANIZATION, Level.USER),
    P.ACCOUNT_READ: _OWN,
    P.ACCOUNT_UPDATE: _OWN,
    P.USER_ADMINISTER: _rule(),
    P.BACKGROUND_TASK_MANAGE: _rule(),
    P.SITE_ROLE_MANAGE: _rule(),
    P.TOKEN_MANAGE: _TOKEN,
    P.TEAM_READ: _TEAM,
    P.TEAM_CREATE: _ORGANIZATION,
    P.TEAM_UPDATE: _TEAM,
    P.TEAM_DELETE: _TEAM,
    P.TEAM_UPDATE_ORGANIZATION_ACCESS: _TEAM,
    P.TEAM_MANAGE_NOTIFICATIONS: _TEAM,
    P.TEAM_UPDATE_MEMBERSHIP: _TEAM,
    P.OWNERS_UPDATE_MEMBERSHIP: _ORGANIZATION,
    P.TAG_KEY_RESERVE: _ORGANIZATION,
    P.POLICY_READ: _ORGANIZATION,
    P.POLICY_MANAGE: _ORGANIZATION,
    P.SSH_KEY_READ: _ORGANIZATION,
    P.SSH_KEY_MANAGE: _ORGANIZATION,
    P.AGENT_POOL_READ: _ORGANIZATION,
    P.AGENT_POOL_MANAGE: _ORGANIZATION,
    # Without the site level: nobody but an agent does the work of an agent.
    P.AGENT_POOL_SERVE: Rule(frozenset({Level.AGENT_POOL})),
    P.PROJECT_READ: _PROJECT,
    P.PROJECT_CREATE: _ORGANIZATION,
    P.PROJECT_UPDATE: _PROJECT,
    P.PROJECT_DELETE: _PROJECT,
    P.PROJECT_FORCE_DELETE: _rule(Level.ORGANIZATION, Level.PROJECT, refusal=403),
    # Checked on the future workspace: a role that is limited to an environment or cell allows creating there.
    P.PROJECT_CREATE_WORKSPACE: _rule(Level.ORGANIZATION, Level.SOME_PROJECT, *_PROJECT_AND_PARTS),
    P.PROJECT_MOVE_WORKSPACE: _PROJECT,
    P.PROJECT_ADD_TAGS: _PROJECT,
    P.PROJECT_REMOVE_TAGS: _PROJECT,
    P.PROJECT_MANAGE_NOTIFICATIONS: _PROJECT,
    P.PROJECT_READ_TEAMS: _PROJECT,
    P.PROJECT_MANAGE_TEAMS: _PROJECT,
    P.PROJECT_MANAGE_VARSETS: _PROJECT,
    P.PROJECT_WIPE: _rule(Level.ORGANIZATION, Level.PROJECT, refusal=403),
    # Members whose role is limited to a part of the project see only themselves.
    P.PROJECT_READ_MEMBERS: _rule(Level.ORGANIZATION, Level.PROJECT, Level.MEMBERSHIP),
    P.PROJECT_MANAGE_MEMBERS: _rule(Level.ORGANIZATION, Level.PROJECT, refusal=403),
    P.PROJECT_MANAGE_OWNERS: _rule(Level.ORGANIZATION, Level.PROJECT, refusal=403),
    # Everybody may give up their own access.
    P.ACCESS_GIVE_UP: Rule(frozenset({Level.MEMBERSHIP})),
    P.ENVIRONMENT_READ: _ENVIRONMENT,
    P.ENVIRONMENT_MANAGE: _rule(Level.ORGANIZATION, Level.PROJECT, refusal=403),
    P.INVITATION_MANAGE: _rule(
        Level.ORGANIZATION,
        Level.WORKSPACES,
        Level.PROJECT_ACCESS,
        *_PROJECT_AND_PARTS,
        Level.WORKSPACE,
    ),
    P.INVITATION_ACCEPT: Rule(frozenset({Level.USER})),
    P.VARSET_READ: _VARSET,
    P.VARSET_MANAGE: _VARSET,
    P.WORKSPACE_READ: _WORKSPACE,
    P.WORKSPACE_UPDATE: _WORKSPACE,
    P.WORKSPACE_DELETE: _WORKSPACE,
    P.WORKSPACE_FORCE_DELETE: _rule(Level.ORGANIZATION, *_PROJECT_AND_PARTS, Level.WORKSPACE, refusal=403),
    P.WORKSPACE_MOVE: _rule(Level.ORGANIZATION, Level.PROJECT, refusal=403),
    P.WORKSPACE_LOCK: _WORKSPACE,
    P.WORKSPACE_FORCE_UNLOCK: _WORKSPACE,
    P.WORKSPACE_MANAGE_TAGS: _WORKSPACE,
    P.WORKSPACE_MANAGE_NOTIFICATIONS: _WORKSPACE,
    P.WORKSPACE_MANAGE_RUN_TASKS: _WORKSPACE,
    P.WORKSPACE_MANAGE_TEAMS: _WORKSPACE,
    P.WORKSPACE_READ_ACL: _WORKSPACE,
    P.WORKSPACE_MANAGE_ACL: _rule(Level.ORGANIZATION, *_PROJECT_AND_PARTS, Level.WORKSPACE, refusal=403),
    P.WORKSPACE_MANAGE_OWNERS: _rule(Level.ORGANIZATION, *_PROJECT_AND_PARTS, Level.WORKSPACE, refusal=403),
    P.WORKSPACE_READ_PUBLIC: Rule(frozenset({Level.PUBLIC})),
    # Replacing the whole list also removes workspaces that the caller may not see.
    P.WORKSPACE_REPLACE_CONSUMERS: _ORGANIZATION,
    P.RUN_TASK_READ: _ORGANIZATION,
    P.RUN_TASK_MANAGE: _ORGANIZATION,
    # Without the site level: nobody but the task that was asked answers for it.
    P.RUN_TASK_ANSWER: Rule(frozenset({Level.RUN_TASK})),
    P.RUN_READ: _rule(Level.ORGANIZATION, *_PROJECT_AND_PARTS, Level.WORKSPACE, Level.RUN_TASK),
    P.RUN_PLAN: _WORKSPACE,
    P.RUN_APPLY: _WORKSPACE,
    P.RUN_OVERRIDE_POLICIES: _WORKSPACE,
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
        *_PROJECT_AND_PARTS,
        Level.WORKSPACE,
    ),
    # The request names no organization, so the token must: a site role or a user of several would be ambiguous.
    P.AUDIT_TRAIL_READ: Rule(frozenset({Level.ORGANIZATION})),
    P.CLOUD_PROVIDER_READ: Rule(frozenset({Level.PUBLIC})),
}


@cache
def allowed_at(level: Level, permissions: frozenset[P]) -> frozenset[P]:
    """Those of the permissions that a grant at this level can give, according to the policy."""
    return frozenset(permission for permission in permissions if level in POLICY[permission].levels)
