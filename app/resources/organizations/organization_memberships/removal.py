"""Roles in projects and levels on workspaces that a member loses who leaves the organization."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.organization_memberships import OrganizationMembership
from app.models.project_members import ProjectMember
from app.models.workspace_acl_entries import WorkspaceAclEntry

Left = Sequence[tuple[Any, dict[str, list[Any]]]]


def roles_of(session: Session, membership: OrganizationMembership, username: str) -> Left:
    """The member's roles in projects, each with the changes for its event."""
    rows = session.scalars(select(ProjectMember).where(ProjectMember.membership_id == membership.id))
    return [(row, {"username": [username, None], "role": [row.role, None]}) for row in rows]


def levels_of(session: Session, membership: OrganizationMembership, username: str) -> Left:
    """The member's levels on workspaces, each with the changes for its event."""
    rows = session.scalars(select(WorkspaceAclEntry).where(WorkspaceAclEntry.membership_id == membership.id))
    return [(row, {"username": [username, None], "level": [row.level, None]}) for row in rows]
