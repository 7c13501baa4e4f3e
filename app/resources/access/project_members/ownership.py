"""Transferring a project to another owner (mission: C5)."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.authz.policy import Level
from app.jsonapi.errors import Unprocessable
from app.models.organization_memberships import OrganizationMembership
from app.models.project_members import OWNER, ProjectMember
from app.models.projects import Project
from app.models.users import User
from app.resources.access.project_members.operations import Changes, event_changes
from app.resources.organizations.organization_memberships.members import Member
from app.web.context import caller
from app.web.policy import denial, is_allowed, is_allowed_at
from app.web.transaction import apply_changes, created_changes, insert

FORMER_OWNER = "admin"
WHOLE = {"role": OWNER, "environment_id": None, "cells": None}


class AlreadyOwner(Unprocessable):
    """An owner can't transfer the project to the same owner."""

    code = "already-owner"
    pointer = "/data/relationships/user"
    detail = "You own the project already"


@dataclass(frozen=True, slots=True)
class Present:
    """A member of the project, with the username."""

    row: ProjectMember
    username: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """The row of the new owner, what changed on whom, and the names of the owners before and after, by name."""

    owner_id: str
    created: Sequence[tuple[ProjectMember, Changes]]
    updated: Sequence[tuple[ProjectMember, Changes]]
    owners: list[list[str]]


def transfer(session: Session, project: Project, to: Member) -> Transfer:
    """Make the member the owner. The calling owner becomes admin; if the caller is above the owners, all of them do.

    The project is locked.
    """
    present = _owners_and(session, project, to)
    owners = [each for each in present if each.row.role == OWNER]
    stepping_down = [each for each in _handing_over(project, owners, to) if each.row.membership_id != to.membership_id]
    staying = [each.username for each in owners if each not in stepping_down and each.username != to.username]
    changed = [(each, apply_changes(each.row, {"role": FORMER_OWNER})) for each in stepping_down]
    before = [each.username for each in owners]
    created: list[tuple[ProjectMember, Changes]] = []
    named = next((each for each in present if each.row.membership_id == to.membership_id), None)
    if named is None:
        place = {"organization_id": project.organization_id, "project_id": project.id}
        owner = ProjectMember(**place, membership_id=to.membership_id, **WHOLE)
        insert(session, owner)
        created.append((owner, created_changes({"username": to.username, "role": OWNER})))
    else:
        owner = named.row
        changed.append((named, event_changes(apply_changes(owner, WHOLE))))
    session.flush()
    updated = [(each.row, {"username": [each.username] * 2, **changes}) for each, changes in changed if changes]
    return Transfer(owner.id, created, updated, [before, sorted([*staying, to.username])])


def _owners_and(session: Session, project: Project, to: Member) -> list[Present]:
    rows = session.execute(
        select(ProjectMember, User.username)
        .join(OrganizationMembership, OrganizationMembership.id == ProjectMember.membership_id)
        .join(User, User.id == OrganizationMembership.user_id)
        .where(
            ProjectMember.project_id == project.id,
            or_(ProjectMember.role == OWNER, ProjectMember.membership_id == to.membership_id),
        )
        .order_by(User.username)
        .with_for_update(of=ProjectMember),
    )
    return [Present(member, username) for member, username in rows]


def _handing_over(project: Project, owners: list[Present], to: Member) -> list[Present]:
    own = [each for each in owners if is_allowed(P.ACCESS_GIVE_UP, each.row)]
    if own:
        if own[0].row.membership_id == to.membership_id:
            raise AlreadyOwner
        return own
    is_above = is_allowed_at(P.PROJECT_MANAGE_OWNERS, Level.ORGANIZATION, project.organization_id)
    if caller().user_id is not None and not is_above:
        # He owned the project when the request began, and has handed it over meanwhile.
        raise denial(P.PROJECT_MANAGE_OWNERS)
    return owners
