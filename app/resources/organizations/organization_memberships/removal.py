"""What a member loses who leaves the organization or a project: roles, levels on workspaces, tokens of projects."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.models.authentication_tokens import AuthenticationToken
from app.models.project_members import PROJECT_ROLES, ProjectMember
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


def end_project_tokens(
    session: Session, memberships: Sequence[str], project_id: str | None = None, roles: Sequence[str] = PROJECT_ROLES
) -> Left:
    """Delete the tokens of projects that the users with these memberships answer for; perhaps of one project alone.

    Perhaps only those with one of the ``roles``. They stop working at once. A token that somebody else has taken over
    stays.
    """
    held = select(AuthenticationToken).where(in_values(AuthenticationToken.membership_id, memberships))
    if project_id is not None:
        held = held.where(AuthenticationToken.__table__.c.project_id == project_id)
    if roles != PROJECT_ROLES:
        held = held.where(in_values(AuthenticationToken.role, roles))
    tokens = session.scalars(held.order_by(AuthenticationToken.id).with_for_update(of=AuthenticationToken)).all()
    for token in tokens:
        session.delete(token)
    session.flush()
    return [(token, {"description": [token.description, None], "role": [token.role, None]}) for token in tokens]


def end_creators_levels(
    session: Session, membership_id: str, project_id: str, username: str, remaining: Sequence[ProjectMember]
) -> Left:
    """Delete the levels that the member got by creating workspaces in the project; those that were granted stay.

    So do those on workspaces that one of the member's ``remaining`` roles in the project reaches.
    """
    entries = session.scalars(
        select(WorkspaceAclEntry)
        .where(WorkspaceAclEntry.membership_id == membership_id, WorkspaceAclEntry.created_in_id == project_id)
        .order_by(WorkspaceAclEntry.id)
        .with_for_update(of=WorkspaceAclEntry)
    ).all()
    ending = [entry for entry in entries if not any(_reaches(role, entry) for role in remaining)]
    for entry in ending:
        session.delete(entry)
    session.flush()
    return [(entry, {"username": [username, None], "level": [entry.level, None]}) for entry in ending]


def end_with_role(
    session: Session, member: ProjectMember, username: str, in_force: ColumnElement[bool]
) -> tuple[Left, Left]:
    """Delete what the role has brought, which is deleted already: levels of a creator, and tokens of its maker.

    They would go on where the role has ended. What another role brings that is ``in_force`` stays.
    """
    remaining = session.scalars(
        select(ProjectMember).where(
            ProjectMember.membership_id == member.membership_id, ProjectMember.project_id == member.project_id, in_force
        )
    ).all()
    levels = end_creators_levels(session, member.membership_id, member.project_id, username, remaining)
    # Only a role in the whole project makes tokens.
    is_of_all = member.environment_id is None and member.cells is None
    ends_tokens = is_of_all or not remaining
    return levels, end_project_tokens(session, [member.membership_id], member.project_id) if ends_tokens else ()


def _reaches(role: ProjectMember, entry: WorkspaceAclEntry) -> bool:
    return (
        role.project_id == entry.project_id
        and role.environment_id in (None, entry.environment_id)
        and (role.cells is None or entry.cell in role.cells)
    )
