"""Roles in projects and levels on workspaces that a member loses who leaves the organization."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.project_members import ProjectMember
from app.models.workspace_acl_entries import WorkspaceAclEntry
from app.persistence import in_values

Left = Sequence[tuple[Any, dict[str, list[Any]]]]


def roles_of(session: Session, memberships: Sequence[str], username: str) -> Left:
    """The roles in projects of the user with these memberships, each with the changes for its event."""
    rows = session.scalars(select(ProjectMember).where(in_values(ProjectMember.membership_id, memberships)))
    return [(row, {"username": [username, None], "role": [row.role, None]}) for row in rows]


def levels_of(session: Session, memberships: Sequence[str], username: str) -> Left:
    """The levels on workspaces of the user with these memberships, each with the changes for its event."""
    rows = session.scalars(select(WorkspaceAclEntry).where(in_values(WorkspaceAclEntry.membership_id, memberships)))
    return [(row, {"username": [username, None], "level": [row.level, None]}) for row in rows]
