"""Short descriptions of roles and levels; the policy has the details."""

from collections.abc import Mapping
from typing import Final

PROJECT: Final[Mapping[str, str]] = {
    "viewer": "see the project and its workspaces, with their variables and states",
    "member": "see the project, create workspaces in it, and change their variables and states",
    "admin": "change the project, its environments and workspaces, and who has access to it",
    "owner": "do everything in the project, and decide who else owns it",
}
# Roles that are limited to one environment or to some cells. Owners are never limited.
PART: Final[Mapping[str, str]] = {
    "viewer": "see the workspaces there, with their variables and states",
    "member": "see the workspaces there, and change their variables and states",
    "admin": "change the workspaces there, and who has access to them",
}
WORKSPACE: Final[Mapping[str, str]] = {
    "user": "see the workspace, with its variables and states",
    "developer": "see the workspace, and change its variables and states",
    "admin": "change the workspace, and who has access to it",
    "owner": "do everything with the workspace, and decide who else owns it",
}


def describe_role(kind: str, role_or_level: str, *, is_everywhere: bool) -> str:
    """The description of a role in a project, or of a level on a workspace."""
    if kind == "workspace":
        return WORKSPACE[role_or_level]
    return (PROJECT if is_everywhere else PART)[role_or_level]
