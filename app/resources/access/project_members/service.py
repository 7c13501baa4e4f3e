"""Use cases of project members: each checks the caller, changes in one transaction and records its event."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.authz.policy import Level
from app.jsonapi.errors import NotFound, Unprocessable
from app.models.expiring_grants import has_ended, is_in_force
from app.models.organization_memberships import OrganizationMembership
from app.models.project_members import OWNER, ProjectMember
from app.models.projects import Project
from app.models.users import User
from app.resources.access.expiring_grants.ending import end_expired
from app.resources.access.expiring_grants.operations import check_expiry
from app.resources.access.expiring_grants.prolonging import check_own_expiry
from app.resources.access.project_members.listing import MEMBERS
from app.resources.access.project_members.operations import (
    Changes,
    check_no_other_role,
    check_scope,
    event_changes,
    is_lasting_owner,
    keep_an_owner,
    token_roles,
)
from app.resources.access.project_members.roles import require_may_grant, resolve_environment
from app.resources.organizations.access_paths.standing import Standing, standing
from app.resources.organizations.organization_memberships.members import Member, pop_member, username_of
from app.resources.organizations.organization_memberships.removal import Left, end_project_tokens, end_with_role
from app.resources.projects.dry_runs.document import DryRun, dry_run
from app.web.context import caller
from app.web.listing import ResourceObject
from app.web.policy import denial, get_for_update, is_allowed, is_allowed_at
from app.web.transaction import apply_changes, created_changes, insert, record_event, record_events, transaction


def create_project_member(project_id: str, members: dict[str, Any]) -> ResourceObject:
    """Give a member of the organization a role in a project, or in one environment or some cells of it."""
    with transaction() as session:
        project = get_for_update(session, Project, project_id, P.PROJECT_MANAGE_MEMBERS, share_lock=True)
        require_may_grant(project, members["role"])
        check_scope(members)
        check_expiry(members)
        resolve_environment(session, members, project)
        user = pop_member(session, project.organization_id, members)
        project_key = {"organization_id": project.organization_id, "project_id": project_id}
        in_its_place = and_(ProjectMember.membership_id == user.membership_id, ProjectMember.project_id == project_id)
        end_expired(session, ProjectMember, in_its_place)
        member = ProjectMember(**project_key, membership_id=user.membership_id, **members)
        insert(session, member)
        record_event(
            session,
            "project-members.create",
            member,
            event_changes(created_changes({"username": user.username, **members})),
        )
        return MEMBERS.get_resource({"id": member.id}, session)


def destroy_project_member(member_id: str) -> None:
    """Remove a member's role in a project, with what it has brought; everybody may give up their own."""
    with transaction() as session:
        project = _project_of(session, member_id, P.PROJECT_READ)
        member = _locked(session, member_id)
        if not is_allowed(P.ACCESS_GIVE_UP, member):
            require_may_grant(project, member.role)
        username = username_of(session, member.membership_id)
        session.delete(member)
        session.flush()
        if is_lasting_owner(member):
            keep_an_owner(session, project.id)
        changes = {"username": [username, None], "role": [member.role, None]}
        record_event(session, "project-members.delete", member, changes)
        levels, tokens = end_with_role(session, member, username, is_in_force(ProjectMember))
        record_events(session, "workspace-acl-entries.delete", levels)
        record_events(session, "authentication-tokens.delete", tokens)


def transfer_ownership(project_id: str, members: dict[str, Any], *, is_dry: bool = False) -> ResourceObject | DryRun:
    """Transfer a project to a member of the organization; the former owner becomes its admin."""
    with transaction(is_dry=is_dry) as session:
        project = get_for_update(session, Project, project_id, P.PROJECT_MANAGE_OWNERS)
        look = partial(standing, session.connection(), project.organization_id, [project.id])
        before = look() if is_dry else Standing()
        done = transfer(session, project, pop_member(session, project.organization_id, members))
        if done.created or done.updated:
            record_event(session, "projects.transfer-ownership", project, {"owners": done.owners})
            record_events(session, "project-members.create", done.created)
            record_events(session, "project-members.update", done.updated)
            record_events(session, "authentication-tokens.delete", done.tokens)
        if is_dry:
            counts = {
                "project-members": len(done.created) + len(done.updated),
                "authentication-tokens": len(done.tokens),
            }
            return dry_run("projects.transfer-ownership", project_id, counts, before, look())
        return MEMBERS.get_resource({"id": done.owner_id}, session)


def update_project_member(member_id: str, members: dict[str, Any]) -> ResourceObject:
    """Change a member's role, or what it is limited to."""
    with transaction() as session:
        project = _project_of(session, member_id, P.PROJECT_MANAGE_MEMBERS)
        resolve_environment(session, members, project)
        member = _locked(session, member_id)
        was_owner, before = is_lasting_owner(member), token_roles(member)
        require_may_grant(project, member.role, members.get("role", member.role))
        check_scope(members, member)
        check_expiry(members)
        check_own_expiry(member, members)
        changes = event_changes(apply_changes(member, members))
        if "environment" in changes:
            check_no_other_role(session, member)
        session.flush()
        if was_owner and not is_lasting_owner(member):
            keep_an_owner(session, project.id)
        if changes:
            username = username_of(session, member.membership_id)
            record_event(session, "project-members.update", member, {"username": [username] * 2, **changes})
        # The tokens of a maker would go on with a role that has ended.
        lost = [role for role in before if role not in token_roles(member)]
        tokens = end_project_tokens(session, [member.membership_id], project.id, lost) if lost else ()
        record_events(session, "authentication-tokens.delete", tokens)
        return MEMBERS.get_resource({"id": member_id}, session)


def _project_of(session: Session, member_id: str, permission: P) -> Project:
    # The project is locked before the member, so that changes of a project's owners happen one after the other.
    project_id = MEMBERS.get({"id": member_id}, session).project_id
    return get_for_update(session, Project, project_id, permission)


def _locked(session: Session, member_id: str) -> ProjectMember:
    member = session.get(ProjectMember, member_id, with_for_update=True)
    if member is None:  # it was deleted meanwhile
        raise NotFound
    return member


FORMER_OWNER = "admin"
WHOLE = {"role": OWNER, "environment_id": None, "cells": None, "expires_at": None}


class AlreadyOwner(Unprocessable):
    """An owner can't transfer the project to the same owner."""

    code = "already-owner"
    pointer = "/data/relationships/user"
    detail = "You own the project already"


@dataclass(frozen=True, slots=True)
class Present:
    """A member of the project, with their username."""

    row: ProjectMember
    username: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """The row of the new owner, the changes by member, the tokens that ended, and the owners' usernames.

    Those are the sorted ones before and after.
    """

    owner_id: str
    created: Sequence[tuple[ProjectMember, Changes]]
    updated: Sequence[tuple[ProjectMember, Changes]]
    tokens: Left
    owners: list[list[str]]


def transfer(session: Session, project: Project, to: Member) -> Transfer:
    """Make the member the owner. A calling owner becomes admin; for any other caller, all owners become admins.

    The project's row is locked.
    """
    present = _owners_and(session, project, to)
    owners = [each for each in present if each.row.role == OWNER and not has_ended(each.row)]
    stepping_down = [each for each in _handing_over(project, owners, to) if each.row.membership_id != to.membership_id]
    staying = [each.username for each in owners if each not in stepping_down and each.username != to.username]
    changed = [(each, apply_changes(each.row, {"role": FORMER_OWNER})) for each in stepping_down]
    before = [each.username for each in owners]
    created: list[tuple[ProjectMember, Changes]] = []
    # Of several roles, that in the whole project becomes the owner's.
    of_heir = [each for each in present if each.row.membership_id == to.membership_id]
    named = min(of_heir, key=lambda each: each.row.environment_id is not None, default=None)
    if named is None:
        project_key = {"organization_id": project.organization_id, "project_id": project.id}
        owner = ProjectMember(**project_key, membership_id=to.membership_id, **WHOLE)
        insert(session, owner)
        created.append((owner, created_changes({"username": to.username, "role": OWNER})))
    else:
        owner = named.row
        changed.append((named, event_changes(apply_changes(owner, WHOLE))))
    session.flush()
    updated = [(each.row, {"username": [each.username] * 2, **changes}) for each, changes in changed if changes]
    # The tokens of an owner would go on owning the project.
    former = [each.row.membership_id for each in stepping_down]
    tokens = end_project_tokens(session, former, project.id, [OWNER])
    return Transfer(owner.id, created, updated, tokens, [before, sorted([*staying, to.username])])


def _owners_and(session: Session, project: Project, to: Member) -> list[Present]:
    rows = session.execute(
        select(ProjectMember, User.username)
        .join(OrganizationMembership, OrganizationMembership.id == ProjectMember.membership_id)
        .join(User, User.id == OrganizationMembership.user_id)
        .where(
            ProjectMember.project_id == project.id,
            or_(
                and_(ProjectMember.role == OWNER, is_in_force(ProjectMember)),
                ProjectMember.membership_id == to.membership_id,
            ),
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
        # The caller owned the project when the request began, and has transferred it meanwhile.
        raise denial(P.PROJECT_MANAGE_OWNERS)
    return owners
