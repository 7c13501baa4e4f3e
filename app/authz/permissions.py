"""Every permission of the service, named ``resource:action``."""

from enum import StrEnum


class P(StrEnum):
    """A permission. ``policy`` has the levels at which it can be granted, ``roles`` the roles that have it."""

    # StrEnum hashes the name of its member in Python code, which is slow; lists hash permissions for every row.
    __hash__ = str.__hash__

    ORGANIZATION_READ = "organization:read"
    ORGANIZATION_CREATE = "organization:create"
    ORGANIZATION_UPDATE = "organization:update"
    ORGANIZATION_DELETE = "organization:delete"

    MEMBERSHIP_READ = "membership:read"
    MEMBERSHIP_FIND = "membership:find"
    MEMBERSHIP_CREATE = "membership:create"
    MEMBERSHIP_DELETE = "membership:delete"
    USER_READ = "user:read"
    ACCOUNT_READ = "account:read"
    ACCOUNT_UPDATE = "account:update"
    USER_ADMINISTER = "user:administer"
    BACKGROUND_TASK_MANAGE = "background-task:manage"
    SITE_ROLE_MANAGE = "site-role:manage"
    TOKEN_MANAGE = "token:manage"  # noqa: S105 - a permission

    TEAM_READ = "team:read"
    TEAM_CREATE = "team:create"
    TEAM_UPDATE = "team:update"
    TEAM_DELETE = "team:delete"
    TEAM_UPDATE_ORGANIZATION_ACCESS = "team:update-organization-access"
    TEAM_MANAGE_NOTIFICATIONS = "team:manage-notifications"
    TEAM_UPDATE_MEMBERSHIP = "team:update-membership"
    OWNERS_UPDATE_MEMBERSHIP = "owners:update-membership"

    TAG_KEY_RESERVE = "tag-key:reserve"

    POLICY_READ = "policy:read"
    POLICY_MANAGE = "policy:manage"
    SSH_KEY_READ = "ssh-key:read"
    SSH_KEY_MANAGE = "ssh-key:manage"

    AGENT_POOL_READ = "agent-pool:read"
    AGENT_POOL_MANAGE = "agent-pool:manage"
    AGENT_POOL_SERVE = "agent-pool:serve"

    PROJECT_READ = "project:read"
    PROJECT_CREATE = "project:create"
    PROJECT_UPDATE = "project:update"
    PROJECT_DELETE = "project:delete"
    PROJECT_FORCE_DELETE = "project:force-delete"
    PROJECT_CREATE_WORKSPACE = "project:create-workspace"
    PROJECT_MOVE_WORKSPACE = "project:move-workspace"
    PROJECT_ADD_TAGS = "project:add-tags"
    PROJECT_REMOVE_TAGS = "project:remove-tags"
    PROJECT_MANAGE_NOTIFICATIONS = "project:manage-notifications"
    PROJECT_READ_TEAMS = "project:read-teams"
    PROJECT_MANAGE_TEAMS = "project:manage-teams"
    PROJECT_MANAGE_VARSETS = "project:manage-varsets"
    PROJECT_WIPE = "project:wipe"
    PROJECT_READ_MEMBERS = "project:read-members"
    PROJECT_MANAGE_MEMBERS = "project:manage-members"
    PROJECT_MANAGE_OWNERS = "project:manage-owners"

    ACCESS_GIVE_UP = "access:give-up"

    ENVIRONMENT_READ = "environment:read"
    ENVIRONMENT_MANAGE = "environment:manage"

    INVITATION_MANAGE = "invitation:manage"
    INVITATION_ACCEPT = "invitation:accept"

    VARSET_READ = "varset:read"
    VARSET_MANAGE = "varset:manage"

    WORKSPACE_READ = "workspace:read"
    WORKSPACE_UPDATE = "workspace:update"
    WORKSPACE_DELETE = "workspace:delete"
    WORKSPACE_FORCE_DELETE = "workspace:force-delete"
    WORKSPACE_MOVE = "workspace:move"
    WORKSPACE_LOCK = "workspace:lock"
    WORKSPACE_FORCE_UNLOCK = "workspace:force-unlock"
    WORKSPACE_MANAGE_TAGS = "workspace:manage-tags"
    WORKSPACE_MANAGE_NOTIFICATIONS = "workspace:manage-notifications"
    WORKSPACE_MANAGE_RUN_TASKS = "workspace:manage-run-tasks"
    WORKSPACE_MANAGE_TEAMS = "workspace:manage-teams"
    WORKSPACE_READ_ACL = "workspace:read-acl"
    WORKSPACE_MANAGE_ACL = "workspace:manage-acl"
    WORKSPACE_MANAGE_OWNERS = "workspace:manage-owners"
    WORKSPACE_READ_PUBLIC = "workspace:read-public"
    WORKSPACE_REPLACE_CONSUMERS = "workspace:replace-consumers"

    RUN_TASK_READ = "run-task:read"
    RUN_TASK_MANAGE = "run-task:manage"
    RUN_TASK_ANSWER = "run-task:answer"

    RUN_READ = "run:read"
    RUN_PLAN = "run:plan"
    RUN_APPLY = "run:apply"
    RUN_OVERRIDE_POLICIES = "run:override-policies"
    VARIABLE_READ = "variable:read"
    VARIABLE_WRITE = "variable:write"
    STATE_READ_OUTPUTS = "state:read-outputs"
    STATE_READ = "state:read"
    STATE_WRITE = "state:write"

    ACTIVITY_READ = "activity:read"
    AUDIT_TRAIL_READ = "audit-trail:read"
    CLOUD_PROVIDER_READ = "cloud-provider:read"
