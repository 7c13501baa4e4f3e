"""The permissions of a custom team access to a project or a workspace, by its details."""

from collections.abc import Mapping
from functools import cache

from app.authz.permissions import P
from app.authz.roles import PROJECT_VARSETS, WORKSPACE_ADMIN, WORKSPACE_READER, Permissions

# A custom access: the permissions that each value of each detail adds. Values are cumulative in the order given.
CUSTOM_PROJECT: Mapping[str, Mapping[str, Permissions]] = {
    "settings": {
        "read": frozenset(),
        "update": frozenset(
            {P.PROJECT_UPDATE, P.PROJECT_ADD_TAGS, P.PROJECT_REMOVE_TAGS, P.PROJECT_MANAGE_NOTIFICATIONS}
        ),
        "delete": frozenset({P.PROJECT_DELETE}),
    },
    "teams": {
        "none": frozenset(),
        "read": frozenset({P.PROJECT_READ_TEAMS}),
        "manage": frozenset({P.PROJECT_MANAGE_TEAMS}),
    },
    "variable-sets": {
        "none": frozenset(),
        "read": frozenset({P.VARSET_READ}),
        "write": PROJECT_VARSETS,
    },
    "runs": {
        "read": frozenset({P.RUN_READ}),
        "plan": frozenset({P.RUN_PLAN}),
        "apply": frozenset({P.RUN_APPLY}),
    },
    "variables": {
        "none": frozenset(),
        "read": frozenset({P.VARIABLE_READ}),
        "write": frozenset({P.VARIABLE_WRITE}),
    },
    "state-versions": {
        "none": frozenset(),
        "read-outputs": frozenset({P.STATE_READ_OUTPUTS}),
        "read": frozenset({P.STATE_READ}),
        "write": frozenset({P.STATE_WRITE}),
    },
    # There is no Sentinel here; the detail is stored for clients that read back what they wrote.
    "sentinel-mocks": {
        "none": frozenset(),
        "read": frozenset(),
    },
}
CUSTOM_FLAGS: Mapping[str, Permissions] = {
    # Creating includes reading the project's workspaces (spec: custom ``create``), which every access grants anyway.
    "create": frozenset({P.PROJECT_CREATE_WORKSPACE}),
    "locking": frozenset({P.WORKSPACE_LOCK}),
    # The same, by its name in the access to a workspace.
    "workspace-locking": frozenset({P.WORKSPACE_LOCK}),
    "delete": frozenset({P.WORKSPACE_DELETE}),
    "move": frozenset({P.PROJECT_MOVE_WORKSPACE, P.WORKSPACE_MOVE}),
    "run-tasks": frozenset({P.WORKSPACE_MANAGE_RUN_TASKS}),
    "policy-overrides": frozenset({P.RUN_OVERRIDE_POLICIES}),
}


@cache
def custom_project_level(details: frozenset[tuple[str, str | bool]]) -> Permissions:
    """The permissions of a custom team project access with these details; reading runs is always among them."""
    return _custom({P.PROJECT_READ, P.ENVIRONMENT_READ, P.WORKSPACE_READ, P.RUN_READ}, details)


@cache
def custom_workspace_level(details: frozenset[tuple[str, str | bool]]) -> Permissions:
    """The permissions of a custom team workspace access with these details; reading runs is always among them."""
    return _custom({P.WORKSPACE_READ, P.RUN_READ}, details) & (WORKSPACE_ADMIN | {P.RUN_OVERRIDE_POLICIES})


def _custom(granted: set[P], details: frozenset[tuple[str, str | bool]]) -> Permissions:
    for detail, chosen in details:
        if isinstance(chosen, bool):
            granted |= CUSTOM_FLAGS.get(detail, frozenset()) if chosen else frozenset()
            continue
        steps = CUSTOM_PROJECT.get(detail, {})
        if chosen not in steps:
            continue  # an unknown detail grants nothing
        for value, added in steps.items():
            granted |= added
            if value == chosen:
                break
    # The record of activity also reveals variables, states, members and access lists.
    if granted >= WORKSPACE_READER - {P.ACTIVITY_READ, P.WORKSPACE_READ_ACL}:
        granted |= WORKSPACE_READER | {P.PROJECT_READ_MEMBERS}
    return frozenset(granted)
