"""The rules of invitations: who can be invited, how long a link is valid, and what accepting an invitation does."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Conflict, InvalidAttribute, Unprocessable
from app.models.environments import Environment
from app.models.expiring_grants import is_in_force
from app.models.invitations import ACCEPTED, CANCELED, PENDING, Invitation
from app.models.organization_memberships import OrganizationMembership
from app.models.project_members import ProjectMember
from app.models.projects import Project
from app.models.users import User
from app.models.workspace_acl_entries import WorkspaceAclEntry
from app.models.workspaces import Workspace
from app.persistence import AnyRow, case_folded, fold_case, now

NONCE_BYTES = 16
# Limit for one project or workspace, and therefore for the links that one request can renew and send.
WAITING = 500

InvitationTarget = Project | Workspace
Joined = ProjectMember | WorkspaceAclEntry


class AlreadyInside(InvalidAttribute):
    """The address belongs to a member."""

    code = "email-of-member"
    pointer = "/data/attributes/email"
    detail = "Email belongs to a member already"


class TooManyInvitations(Unprocessable):
    """The project or workspace has as many pending invitations as are allowed."""

    code = "too-many-invitations"
    detail = f"At most {WAITING} invitations can wait at a time; cancel some first"


class NobodyInvited(InvalidAttribute):
    """No invitation to this address is pending."""

    code = "nobody-invited"
    pointer = "/data/attributes/email"
    detail = "Email has no pending invitation to this workspace"


class InvitationAccepted(Conflict):
    """The invitation was accepted before; it can be used only once."""

    code = "invitation-accepted"
    detail = "The invitation has been accepted already"


class InvitationCanceled(Conflict):
    """The invitation was canceled."""

    code = "invitation-canceled"
    detail = "The invitation has been canceled"


class InvitationExpired(Conflict):
    """The invitation was not accepted in time; it can be sent again."""

    code = "invitation-expired"
    detail = "The invitation has expired; ask for another one"


class EnvironmentGone(Conflict):
    """The role was limited to an environment that has been deleted."""

    code = "invitation-environment-gone"
    detail = "The environment of the invitation is no longer there; ask for another invitation"


class AlreadyMember(Conflict):
    """The user has a role there or a level already; accepting the invitation does not change it."""

    code = "already-member"
    detail = "You are a member already; the invitation changes nothing"


def invite(
    session: Session, target: InvitationTarget, members: Mapping[str, Any], days: int, invited_by: str | None
) -> Invitation:
    """Invite the address to the project or workspace, which the caller has locked against concurrent invitations."""
    its = _of_place(target)
    address = fold_case(members["email"])
    if session.scalar(_member_with(target, address, members.get("environment_id"))) is not None:
        raise AlreadyInside
    waiting = select(func.count()).select_from(Invitation).filter_by(**its, status=PENDING)
    if session.execute(waiting).scalar_one() >= WAITING:
        raise TooManyInvitations
    invitation = Invitation(organization_id=target.organization_id, **its, **members, invited_by_id=invited_by)
    renew(invitation, days)
    session.add(invitation)
    session.flush()
    return invitation


def overdue(session: Session, target: InvitationTarget, email: str) -> Sequence[Invitation]:
    """The address's expired invitation to this project or workspace, locked; empty if there is none."""
    late = waiting_for(target, email).where(Invitation.expires_at <= now())
    return session.scalars(late.with_for_update(of=Invitation)).all()


def waiting_for(target: InvitationTarget, email: str | None = None) -> Select[Invitation]:
    """The pending invitations to the project or workspace, including expired ones; of one address, or of all."""
    found = select(Invitation).filter_by(**_of_place(target), status=PENDING).order_by(Invitation.id)
    return found if email is None else found.where(case_folded(Invitation.email) == fold_case(email))


def renew(invitation: Invitation, days: int) -> None:
    """Give the invitation a new link that is valid for this many days; earlier links become invalid."""
    invitation.nonce = secrets.token_urlsafe(NONCE_BYTES)
    invitation.expires_at = now() + timedelta(days=days)
    invitation.sent_at = None


def check_waiting(invitation: AnyRow) -> None:
    """Refuse an invitation that was accepted or canceled."""
    if invitation.status == ACCEPTED:
        raise InvitationAccepted
    if invitation.status == CANCELED:
        raise InvitationCanceled


def membership_for(session: Session, organization_id: str, user_id: str) -> tuple[OrganizationMembership, str | None]:
    """The user's active membership, with the verb for the event if it was created or accepted here, else with None."""
    found = session.scalars(
        select(OrganizationMembership)
        .where(
            OrganizationMembership.organization_id == organization_id,
            OrganizationMembership.user_id == user_id,
        )
        .with_for_update(),
    ).one_or_none()
    verb = None
    if found is None:
        found, verb = OrganizationMembership(organization_id=organization_id, user_id=user_id), "create"
        session.add(found)
    elif found.status != "active":
        found.status, verb = "active", "accept"
    session.flush()
    return found, verb


def join(session: Session, invitation: Invitation, membership: OrganizationMembership, user_id: str) -> Joined:
    """Give the member the role or level of the invitation, which is locked and pending."""
    its = {"organization_id": invitation.organization_id, "membership_id": membership.id}
    joined: Joined
    if invitation.project_id is not None:
        _check_environment(session, invitation)
        joined = ProjectMember(
            **its,
            project_id=invitation.project_id,
            role=invitation.role,
            environment_id=invitation.environment_id,
            cells=invitation.cells,
        )
        # A role in another environment is another one.
        place = {"project_id": invitation.project_id, "environment_id": invitation.environment_id}
        there = select(ProjectMember.id).filter_by(**place).where(is_in_force(ProjectMember))
    else:
        joined = WorkspaceAclEntry(**its, workspace_id=invitation.workspace_id, level=invitation.role)
        there = select(WorkspaceAclEntry.id).filter_by(workspace_id=invitation.workspace_id)
        there = there.where(is_in_force(WorkspaceAclEntry))
    if session.scalar(there.filter_by(membership_id=membership.id)) is not None:
        raise AlreadyMember
    invitation.status, invitation.accepted_by_id = ACCEPTED, user_id
    session.add(joined)
    session.flush()
    return joined


def _check_environment(session: Session, invitation: Invitation) -> None:
    if invitation.environment_id is None:
        return
    there = select(Environment.id).filter_by(id=invitation.environment_id, project_id=invitation.project_id)
    if session.scalar(there.with_for_update(read=True, key_share=True)) is None:
        raise EnvironmentGone


def _of_place(target: InvitationTarget) -> dict[str, str]:
    return {"project_id" if isinstance(target, Project) else "workspace_id": target.id}


def _member_with(target: InvitationTarget, address: str, environment_id: str | None) -> Select[str]:
    model: Any = ProjectMember if isinstance(target, Project) else WorkspaceAclEntry
    found = (
        select(model.id)
        .join(OrganizationMembership, OrganizationMembership.id == model.membership_id)
        .join(User, User.id == OrganizationMembership.user_id)
    )
    found = found.filter(case_folded(User.email) == address, is_in_force(model))
    if model is ProjectMember:
        return found.filter(
            model.project_id == target.id, ProjectMember.environment_id.is_not_distinct_from(environment_id)
        )
    return found.filter(model.workspace_id == target.id)
