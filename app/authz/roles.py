"""The permissions that each role or level grants. In a ladder of roles, each step names only the permissions it adds.

Sources: HCP Terraform's documentation for the levels of ``team-projects`` and the flags of ``organization-access``; the
mission for the roles of project members and the levels of a workspace's access list.
"""

from collections.abc import Mapping, Sequence
from functools import cache

from app.authz.permissions import P

Permissions = frozenset[P]

# --- one workspace -------------------------------------------------------------------------------------------------

WORKSPACE_READER: Permissions = frozenset(
    {
        P.WORKSPACE_READ,
        P.WORKSPACE_READ_ACL,
        P.RUN_READ,
        P.VARIABLE_READ,
        P.STATE_READ_OUTPUTS,
        P.STATE_READ,
        P.ACTIVITY_READ,
    },
)
WORKSPACE_WRITER: Permissions = WORKSPACE_READER | {
    P.RUN_PLAN,
    P.RUN_APPLY,
    P.VARIABLE_WRITE,
    P.STATE_WRITE,
    P.WORKSPACE_LOCK,
    P.WORKSPACE_MANAGE_TAGS,
}
WORKSPACE_ADMIN: Permissions = WORKSPACE_WRITER | {
    P.WORKSPACE_UPDATE,
    P.WORKSPACE_DELETE,
    P.WORKSPACE_FORCE_UNLOCK,
    P.WORKSPACE_MANAGE_NOTIFICATIONS,
    P.WORKSPACE_MANAGE_RUN_TASKS,
    P.WORKSPACE_MANAGE_TEAMS,
    P.WORKSPACE_MANAGE_ACL,
    P.INVITATION_MANAGE,
}
WORKSPACE_OWNER: Permissions = WORKSPACE_ADMIN | {P.WORKSPACE_MANAGE_OWNERS, P.WORKSPACE_FORCE_DELETE}

# Team access to a workspace.
WORKSPACE_LEVELS: Mapping[str, Permissions] = {
    "read": WORKSPACE_READER,
    "plan": WORKSPACE_READER | {P.RUN_PLAN},
    "write": WORKSPACE_WRITER,
    "admin": WORKSPACE_ADMIN,
}
# The levels of a workspace's access list.
ACL_LEVELS: Mapping[str, Permissions] = {
    "user": WORKSPACE_READER,
    "developer": WORKSPACE_WRITER,
    "admin": WORKSPACE_ADMIN,
    "owner": WORKSPACE_OWNER,
}
# What access to a workspace grants on its project.
PROJECT_OF_WORKSPACE: Permissions = frozenset({P.PROJECT_READ})

# --- one project: the levels of team project access ----------------------------------------------------------------

PROJECT_READER: Permissions = WORKSPACE_READER | {P.PROJECT_READ, P.PROJECT_READ_MEMBERS, P.ENVIRONMENT_READ}
# On a project, these are about the variable sets that it owns; the permission on the project allows creating them.
PROJECT_VARSETS: Permissions = frozenset({P.PROJECT_MANAGE_VARSETS, P.VARSET_READ, P.VARSET_MANAGE})
PROJECT_WRITER: Permissions = PROJECT_READER | WORKSPACE_WRITER | PROJECT_VARSETS | {P.PROJECT_ADD_TAGS}
PROJECT_MAINTAINER: Permissions = PROJECT_WRITER | WORKSPACE_ADMIN | {P.PROJECT_CREATE_WORKSPACE}
PROJECT_ADMIN: Permissions = PROJECT_MAINTAINER | {
    P.PROJECT_UPDATE,
    P.PROJECT_DELETE,
    P.PROJECT_MOVE_WORKSPACE,
    P.WORKSPACE_MOVE,
    P.PROJECT_REMOVE_TAGS,
    P.PROJECT_MANAGE_NOTIFICATIONS,
    P.PROJECT_READ_TEAMS,
    P.PROJECT_MANAGE_TEAMS,
    P.PROJECT_MANAGE_MEMBERS,
    P.PROJECT_WIPE,
    P.ENVIRONMENT_MANAGE,
    P.TOKEN_MANAGE,
}

PROJECT_LEVELS: Mapping[str, Permissions] = {
    "read": PROJECT_READER,
    "write": PROJECT_WRITER,
    "maintain": PROJECT_MAINTAINER,
    "admin": PROJECT_ADMIN,
}

# The roles of a project's members and of its tokens.
PROJECT_MEMBER: Permissions = PROJECT_WRITER | {P.PROJECT_CREATE_WORKSPACE}
PROJECT_OWNER: Permissions = (
    PROJECT_ADMIN | WORKSPACE_OWNER | {P.PROJECT_MANAGE_OWNERS, P.PROJECT_FORCE_DELETE, P.PROJECT_READ}
)
PROJECT_ROLES: Mapping[str, Permissions] = {
    "viewer": PROJECT_READER,
    "member": PROJECT_MEMBER,
    "admin": PROJECT_ADMIN,
    "owner": PROJECT_OWNER,
}
# What shows something and changes nothing.
READING: Permissions = frozenset(
    permission for permission in P if permission.rpartition(":")[2].partition("-")[0] in {"read", "find"}
)
# A token gives nobody access, so that revoking it ends all access that it gave.
NOT_FOR_PROJECT_TOKENS: Permissions = frozenset(
    {
        P.TOKEN_MANAGE,
        P.INVITATION_MANAGE,
        P.PROJECT_MANAGE_TEAMS,
        P.PROJECT_MANAGE_MEMBERS,
        P.PROJECT_MANAGE_OWNERS,
        P.WORKSPACE_MANAGE_TEAMS,
        P.WORKSPACE_MANAGE_ACL,
        P.WORKSPACE_MANAGE_OWNERS,
    }
)
PROJECT_TOKEN_ROLES: Mapping[str, Permissions] = {
    role: granted - NOT_FOR_PROJECT_TOKENS for role, granted in PROJECT_ROLES.items()
}
# Granted on the whole project by a role that is limited to a part of it.
SCOPED_IN_PROJECT: Permissions = frozenset({P.PROJECT_READ})
SCOPED_IN_ENVIRONMENT: Permissions = frozenset({P.ENVIRONMENT_READ})
# For managers of a project's members, on the resources that reveal who has access to it.
PROJECT_ACCESS: Permissions = frozenset({P.INVITATION_MANAGE, P.ACTIVITY_READ})
# The permission to grant, change or revoke each role in a project, or level on a workspace.
MANAGES_ROLE: Mapping[str, P] = dict.fromkeys(PROJECT_ROLES, P.PROJECT_MANAGE_MEMBERS) | {
    "owner": P.PROJECT_MANAGE_OWNERS,
}
MANAGES_LEVEL: Mapping[str, P] = dict.fromkeys(ACL_LEVELS, P.WORKSPACE_MANAGE_ACL) | {
    "owner": P.WORKSPACE_MANAGE_OWNERS,
}


def level_within(permissions: Permissions) -> str | None:
    """The highest level of an access list that is within these permissions; None if none is."""
    within = [level for level, granted in ACL_LEVELS.items() if granted <= permissions]
    return within[-1] if within else None


# --- one organization ----------------------------------------------------------------------------------------------

# Every member sees pools, run tasks and the names of SSH keys: administrators of a workspace choose some for it.
MEMBER: Permissions = frozenset({P.ORGANIZATION_READ, P.USER_READ, P.AGENT_POOL_READ, P.SSH_KEY_READ, P.RUN_TASK_READ})
VISIBLE_TEAM_MEMBER: Permissions = frozenset({P.TEAM_READ})
# A team's token acts for the team. It can read its own service account, but not create tokens.
TEAM_TOKEN: Permissions = MEMBER | {P.ACCOUNT_READ}
# A caller who reads the variables of any workspace also sees the shared sets that they come from.
SHARED_VARSETS_READER: Permissions = frozenset({P.VARSET_READ})
SHARED_VARSETS_MANAGER: Permissions = SHARED_VARSETS_READER | {P.VARSET_MANAGE}

POLICIES: Permissions = frozenset({P.POLICY_READ, P.POLICY_MANAGE})
MEMBERSHIPS: Permissions = frozenset({P.MEMBERSHIP_READ, P.MEMBERSHIP_CREATE, P.MEMBERSHIP_DELETE})
ALL_WORKSPACES: Permissions = WORKSPACE_ADMIN | {P.WORKSPACE_REPLACE_CONSUMERS}
# Without managing tokens: on the whole organization, that would include the organization's own token.
ALL_PROJECTS: Permissions = (PROJECT_ADMIN - {P.TOKEN_MANAGE}) | ALL_WORKSPACES | {P.PROJECT_CREATE}

# A caller who may add people somewhere finds those who can be added: the active members, without their addresses.
FINDER: Permissions = frozenset({P.MEMBERSHIP_FIND})
ADDERS: Permissions = frozenset({P.PROJECT_MANAGE_MEMBERS, P.WORKSPACE_MANAGE_ACL})

ACTIVITY: Permissions = frozenset({P.ACTIVITY_READ})
INVITATIONS: Permissions = frozenset({P.INVITATION_MANAGE})

# The permissions that a flag of a team's organization-access grants on the whole organization.
ORGANIZATION_ACCESS: Mapping[str, Permissions] = {
    # Whoever chooses where policies count must see the projects and workspaces.
    "manage-policies": POLICIES | {P.PROJECT_READ, P.WORKSPACE_READ, P.RUN_READ},
    "manage-policy-overrides": frozenset({P.POLICY_READ, P.WORKSPACE_READ, P.RUN_READ, P.RUN_OVERRIDE_POLICIES}),
    "delegate-policy-overrides": frozenset(),
    "manage-workspaces": ALL_WORKSPACES | {P.VARSET_READ},
    "read-workspaces": WORKSPACE_READER,
    "manage-projects": ALL_PROJECTS,
    "read-projects": PROJECT_READER,
    "manage-vcs-settings": frozenset({P.SSH_KEY_READ, P.SSH_KEY_MANAGE}),
    "manage-modules": frozenset(),
    "manage-providers": frozenset(),
    "manage-public-modules": frozenset(),
    "manage-public-providers": frozenset(),
    "manage-run-tasks": frozenset({P.RUN_TASK_READ, P.RUN_TASK_MANAGE}),
    "manage-agent-pools": frozenset({P.AGENT_POOL_READ, P.AGENT_POOL_MANAGE, P.PROJECT_READ, P.WORKSPACE_READ}),
    "manage-membership": MEMBERSHIPS,
    "manage-teams": MEMBERSHIPS | {P.TEAM_CREATE},
    "manage-organization-access": MEMBERSHIPS | {P.TEAM_CREATE},
    "access-secret-teams": frozenset(),
}

TEAM_MANAGER: Permissions = frozenset(
    {P.TEAM_UPDATE_MEMBERSHIP, P.TEAM_UPDATE, P.TEAM_DELETE, P.TEAM_MANAGE_NOTIFICATIONS, P.TOKEN_MANAGE}
)
# The permissions that a flag grants on the teams that its holder can see: all of them with access-secret-teams, else
# the visible ones.
TEAM_ACCESS: Mapping[str, Permissions] = {
    "manage-membership": frozenset({P.TEAM_UPDATE_MEMBERSHIP}),
    "manage-teams": TEAM_MANAGER,
    "manage-organization-access": TEAM_MANAGER | {P.TEAM_UPDATE_ORGANIZATION_ACCESS},
}
# The holder of such a flag may also see their own team and manage its members, even if it is secret; nothing more.
OWN_TEAM: Permissions = frozenset({P.TEAM_READ, P.TEAM_UPDATE_MEMBERSHIP})
# For members of a team that lets them manage its tokens, and for managers of pools on the tokens of these.
OWN_TOKENS: Permissions = frozenset({P.TOKEN_MANAGE})
POOL_TOKENS: Permissions = OWN_TOKENS


@cache
def organization_access(flags: frozenset[str]) -> Permissions:
    """The permissions that a team's flags grant on the organization. Some flags are only stored for clients.

    The flags open only a part of the record of activity, at a separate level. They open invitations only if they allow
    managing the members of projects.
    """
    granted: Permissions = frozenset().union(*(ORGANIZATION_ACCESS.get(flag, frozenset()) for flag in flags))
    if granted & ADDERS:
        granted |= FINDER
    return granted - ACTIVITY if P.PROJECT_MANAGE_MEMBERS in granted else granted - ACTIVITY - INVITATIONS


@cache
def team_access(flags: frozenset[str]) -> Permissions:
    """The permissions that a team's flags grant on the teams that its members can see; none without a managing flag."""
    granted: Permissions = frozenset().union(*(TEAM_ACCESS.get(flag, frozenset()) for flag in flags))
    return granted | {P.TEAM_READ} if granted else granted


# If the organization allows it, a caller who may delete workspaces or projects may also do so by force. Deleting a
# project by force also deletes its workspaces, so it needs the permission to delete those as well.
FORCE: Mapping[P, Permissions] = {
    P.WORKSPACE_FORCE_DELETE: frozenset({P.WORKSPACE_DELETE}),
    P.PROJECT_FORCE_DELETE: frozenset({P.PROJECT_DELETE, P.WORKSPACE_DELETE}),
}


@cache
def with_force(permissions: Permissions) -> Permissions:
    """These permissions and, for each deletion among them, the same by force; for organizations that allow it."""
    return permissions | {forced for forced, needed in FORCE.items() if needed <= permissions}


# The flag manage-workspaces opens only the default project: its holders see it and create workspaces in it.
DEFAULT_PROJECT: Permissions = frozenset({P.PROJECT_READ, P.ENVIRONMENT_READ, P.PROJECT_CREATE_WORKSPACE})

TEAM_ADMIN: Permissions = frozenset(
    {
        P.TEAM_READ,
        P.TEAM_CREATE,
        P.TEAM_UPDATE,
        P.TEAM_DELETE,
        P.TEAM_UPDATE_ORGANIZATION_ACCESS,
        P.TEAM_UPDATE_MEMBERSHIP,
        P.OWNERS_UPDATE_MEMBERSHIP,
        P.MEMBERSHIP_READ,
        P.MEMBERSHIP_CREATE,
        P.MEMBERSHIP_DELETE,
        P.USER_READ,
    },
)
NOTIFICATIONS: Permissions = frozenset(permission for permission in P if permission.endswith(":manage-notifications"))
# An organization token administers settings, but no notifications (spec: notification configurations). It never runs
# anything and never writes state. It gets no lock either: an apply would change the infrastructure first, and only then
# find that its state is refused.
ORGANIZATION_TOKEN: Permissions = (
    (MEMBER - {P.SSH_KEY_READ})
    | TEAM_ADMIN
    | (ALL_PROJECTS - NOTIFICATIONS - {P.RUN_PLAN, P.RUN_APPLY, P.STATE_WRITE, P.WORKSPACE_LOCK})
    | ACTIVITY
    | POLICIES
    | {
        P.ACCOUNT_READ,
        P.TOKEN_MANAGE,
        P.PROJECT_FORCE_DELETE,
        P.PROJECT_MANAGE_OWNERS,
        P.WORKSPACE_MANAGE_OWNERS,
        P.TAG_KEY_RESERVE,
        P.AGENT_POOL_MANAGE,
        P.RUN_TASK_MANAGE,
        P.AUDIT_TRAIL_READ,
    }
)
# On its own pool, whose agents are given what each job needs.
AGENT: Permissions = frozenset({P.AGENT_POOL_SERVE})
# Terraform in a run: on its own workspace, and on those whose states its workspace may consume.
RUN: Permissions = frozenset({P.WORKSPACE_READ, P.STATE_READ, P.STATE_READ_OUTPUTS})
RUN_IN_ORGANIZATION: Permissions = frozenset({P.ORGANIZATION_READ})
# A run task, on its result and on what it is asked about.
RUN_TASK: Permissions = frozenset({P.RUN_TASK_ANSWER, P.RUN_READ})
ANSWERED_RUN_TASK: Permissions = frozenset({P.RUN_TASK_ANSWER})
# A token of the organization for this one purpose.
AUDIT_TRAILS_TOKEN: Permissions = frozenset({P.AUDIT_TRAIL_READ})
# A narrowed token of an organization never gives access to anybody, nor makes tokens: that would widen it again.
NARROWED_TOKEN: Permissions = ORGANIZATION_TOKEN - NOT_FOR_PROJECT_TOKENS - (TEAM_ADMIN - READING)
# The same on a project, if it is narrowed to some projects.
NARROWED_TOKEN_IN_PROJECT: Permissions = PROJECT_TOKEN_ROLES["owner"] & NARROWED_TOKEN


def narrowed(granted: Permissions, *, read_only: bool, permissions: Sequence[str] | None) -> Permissions:
    """What is left of the permissions of a token that is narrowed to these, or to reading."""
    left = granted & READING if read_only else granted
    return left if permissions is None else left & frozenset(map(P, permissions))


# Without the audit trail, which only the organization's tokens may read.
OWNER: Permissions = (
    (ORGANIZATION_TOKEN - {P.AUDIT_TRAIL_READ})
    | ALL_PROJECTS
    | MEMBER
    | {
        P.ORGANIZATION_UPDATE,
        P.ORGANIZATION_DELETE,
        P.WORKSPACE_FORCE_DELETE,
        P.SSH_KEY_MANAGE,
        # No level of access to a workspace brings it: those who write the policies also say who overrides them.
        P.RUN_OVERRIDE_POLICIES,
    }
    | NOTIFICATIONS
)

# --- one's own -----------------------------------------------------------------------------------------------------

SELF: Permissions = frozenset(
    {P.ACCOUNT_READ, P.ACCOUNT_UPDATE, P.USER_READ, P.TOKEN_MANAGE, P.MEMBERSHIP_READ, P.INVITATION_ACCEPT},
)

# The part of it for users who have signed in on a page with a password.
SIGNED_IN: Permissions = frozenset({P.INVITATION_ACCEPT})

# On the caller's own roles in projects and levels on workspaces.
OWN_ACCESS: Permissions = frozenset({P.MEMBERSHIP_READ, P.PROJECT_READ_MEMBERS, P.ACCESS_GIVE_UP})

# --- the whole service ---------------------------------------------------------------------------------------------

SITE_ADMIN: Permissions = OWNER | {P.ORGANIZATION_CREATE, P.USER_READ, P.USER_ADMINISTER, P.BACKGROUND_TASK_MANAGE}
# The site role that everybody has grants nothing, or this if users may create organizations.
SITE_USER: Permissions = frozenset({P.ORGANIZATION_CREATE})
SITE_ROLES: Mapping[str, Permissions] = {
    "user": frozenset(),
    "admin": SITE_ADMIN,
    "super_user": SITE_ADMIN | {P.SITE_ROLE_MANAGE},
}

# --- everybody -----------------------------------------------------------------------------------------------------

ANONYMOUS: Permissions = frozenset({P.WORKSPACE_READ_PUBLIC})
EVERYBODY: Permissions = ANONYMOUS | {P.CLOUD_PROVIDER_READ}
# A project's token: beside its role, it can read the organization and its own account.
PROJECT_TOKEN: Permissions = frozenset({P.ORGANIZATION_READ, P.ACCOUNT_READ})
