"""The rules of a project's members: an owner is never limited to a part, and the last owner can't be removed."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Forbidden, Taken, Unprocessable
from app.models.project_members import OWNER, PROJECT_ROLES, ProjectMember

# Names in events that differ from those of the columns.
EVENT_NAMES = {"environment-id": "environment", "cells": "cell-scopes"}
Changes = dict[str, Any]


class ScopedOwner(Unprocessable):
    """The role of an owner can't be limited to a part of the project."""

    code = "scoped-owner"
    detail = "The role of an owner holds in the whole project; it can't be limited to an environment or to cells"


class LastProjectOwner(Forbidden):
    """A project that has owners must keep at least one."""

    code = "last-project-owner"
    detail = "The project must keep at least one owner whose role does not expire"


def event_changes(changes: Mapping[str, Any]) -> Changes:
    """The changes, with the names that clients know."""
    return {EVENT_NAMES.get(name, name): change for name, change in changes.items()}


def check_scope(members: Mapping[str, Any], current: ProjectMember | None = None) -> None:
    """Refuse an owner whose role is limited to a part of the project."""
    after = {name: members.get(name, getattr(current, name, None)) for name in ("role", "environment_id", "cells")}
    if after["role"] != OWNER or (after["environment_id"] is None and after["cells"] is None):
        return
    if members.get("environment_id") is not None:
        raise ScopedOwner(pointer="/data/relationships/environment")
    if members.get("cells") is not None:
        raise ScopedOwner(pointer="/data/attributes/cell-scopes")
    raise ScopedOwner(pointer="/data/attributes/role")


def token_roles(member: ProjectMember) -> Sequence[str]:
    """The roles of the tokens that this role allows: up to itself; none if it is limited to a part of the project."""
    if member.environment_id is not None or member.cells is not None:
        return ()
    return PROJECT_ROLES[: PROJECT_ROLES.index(member.role) + 1]


def check_no_other_role(session: Session, member: ProjectMember) -> None:
    """Refuse an environment in which the member has another role already."""
    other = select(ProjectMember.id).where(
        ProjectMember.membership_id == member.membership_id,
        ProjectMember.project_id == member.project_id,
        ProjectMember.environment_id.is_not_distinct_from(member.environment_id),
        ProjectMember.id != member.id,
    )
    with session.no_autoflush:
        if session.scalar(other) is not None:
            raise Taken("relationships/environment")


def is_lasting_owner(member: ProjectMember) -> bool:
    """Whether the member owns the project, and does not cease to by themselves."""
    return member.role == OWNER and member.expires_at is None


def keep_an_owner(session: Session, project_id: str) -> None:
    """Refuse a change that has left the project without a lasting owner. The project's row is locked.

    Otherwise it would have none, one day, without a change.
    """
    lasting = (ProjectMember.role == OWNER, ProjectMember.expires_at.is_(None))
    owners = select(ProjectMember.id).where(ProjectMember.project_id == project_id, *lasting)
    if session.scalar(owners.limit(1)) is None:
        raise LastProjectOwner
