"""Use cases of invitations: each checks the caller, changes in one transaction and records its event."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.authz.roles import MANAGES_LEVEL, MANAGES_ROLE
from app.jsonapi.errors import NotFound
from app.models.invitations import ACCEPTED, CANCELED, PENDING, Invitation
from app.models.project_members import ProjectMember
from app.models.projects import Project
from app.models.users import User
from app.models.workspace_acl_entries import WorkspaceAclEntry
from app.models.workspaces import Workspace
from app.resources.access.expiring_grants.ending import end_expired
from app.resources.access.invitations.links import TOKEN_SEPARATOR, check_nonce, parse_token, send_links
from app.resources.access.invitations.listing import INVITATIONS, OWN_INVITATIONS
from app.resources.access.invitations.operations import (
    InvitationExpired,
    InvitationTarget,
    Joined,
    NobodyInvited,
    check_waiting,
    invite,
    join,
    membership_for,
    overdue,
    renew,
    waiting_for,
)
from app.resources.access.invitations.throttle import register_messages
from app.resources.access.project_members.roles import resolve_environment
from app.services import services
from app.web.context import caller
from app.web.listing import ResourceObject
from app.web.policy import get_for_update, require, require_own
from app.web.transaction import created_changes, record_event, record_events, transaction


def create_project_invitation(project_id: str, members: dict[str, Any]) -> tuple[Invitation, ResourceObject]:
    """Invite an e-mail address to a project, with a role."""
    with transaction() as session:
        project = get_for_update(session, Project, project_id, P.PROJECT_MANAGE_MEMBERS, share_lock=True)
        resolve_environment(session, members, project)
        invitation = _create(session, project, members)
        shown = INVITATIONS.get_resource({"id": invitation.id}, session)
    return invitation, shown


def create_workspace_invitation(workspace_id: str, members: dict[str, Any]) -> tuple[Invitation, ResourceObject]:
    """Invite an e-mail address to a workspace, with a level. The link is sent as for an invitation to a project."""
    with transaction() as session:
        workspace = _workspace(session, workspace_id)
        invitation = _create(session, workspace, members)
        shown = INVITATIONS.get_resource({"id": invitation.id}, session)
    return invitation, shown


def reset_invite(workspace_id: str, email: str | None) -> Sequence[Invitation]:
    """Replace the links of all pending invitations to a workspace, or of the one for an address."""
    with transaction() as session:
        return renew_invitations(session, _workspace(session, workspace_id), email)


def renew_invitations(session: Session, workspace: Workspace, email: str | None = None) -> Sequence[Invitation]:
    """The same within a transaction that does more. The workspace is locked."""
    invitations = session.scalars(waiting_for(workspace, email).with_for_update(of=Invitation)).all()
    if email is not None and not invitations:
        raise NobodyInvited
    for invitation in invitations:
        _require_may_grant(workspace, invitation.role)
        renew(invitation, services().settings.invitation_days)
    session.flush()
    register_messages(session, invitations)
    send_links(session, invitations)
    record_events(session, "invitations.resend", [(invitation, None) for invitation in invitations])
    return invitations


def destroy_invitation(invitation_id: str) -> None:
    """Cancel a pending invitation; its link stops working."""
    with transaction() as session:
        invitation = _lock_invitation(session, invitation_id)
        check_waiting(invitation)
        _require_may_grant(_target_of(session, invitation), invitation.role)
        _cancel(session, invitation)


def resend_invitation(invitation_id: str) -> tuple[Invitation, ResourceObject]:
    """Replace the link of a pending or expired invitation; the earlier link stops working."""
    with transaction() as session:
        invitation = _lock_invitation(session, invitation_id)
        check_waiting(invitation)
        _require_may_grant(_target_of(session, invitation), invitation.role)
        renew(invitation, services().settings.invitation_days)
        session.flush()
        register_messages(session, [invitation])
        send_links(session, [invitation])
        record_event(session, "invitations.resend", invitation)
        shown = INVITATIONS.get_resource({"id": invitation_id}, session)
    return invitation, shown


def accept_invitation(token: str) -> ResourceObject:
    """Accept an invitation to your own address: you get the role or level, and become a member of the organization."""
    with transaction() as session:
        invitation, _ = accept(session, token)
        return OWN_INVITATIONS.get_resource({"id": invitation.id}, session)


def _workspace(session: Session, workspace_id: str) -> Workspace:
    return get_for_update(session, Workspace, workspace_id, P.INVITATION_MANAGE, share_lock=True)


def _lock_invitation(session: Session, invitation_id: str) -> Invitation:
    return get_for_update(session, Invitation, invitation_id, P.INVITATION_MANAGE)


def _target_of(session: Session, invitation: Invitation) -> InvitationTarget:
    if invitation.project_id is not None:
        return session.get_one(Project, invitation.project_id)
    return session.get_one(Workspace, invitation.workspace_id)


def _create(session: Session, target: InvitationTarget, members: Mapping[str, Any]) -> Invitation:
    _require_may_grant(target, members["role"])
    # Other requests that invite must wait, so that the number of invitations and the members don't change meanwhile.
    session.refresh(target, with_for_update={"key_share": True})
    for outdated in overdue(session, target, members["email"]):
        _cancel(session, outdated)
    invitation = invite(session, target, members, services().settings.invitation_days, caller().user_id)
    register_messages(session, [invitation])
    send_links(session, [invitation])
    granted = {"level" if isinstance(target, Workspace) else "role": members["role"], "email": members["email"]}
    limits = {"environment": members.get("environment_id"), "cell-scopes": members.get("cells")}
    record_event(session, "invitations.create", invitation, created_changes({**granted, **limits}))
    return invitation


def _cancel(session: Session, invitation: Invitation) -> None:
    invitation.status = CANCELED
    session.flush()
    record_event(session, "invitations.cancel", invitation, {"status": [PENDING, CANCELED]})


def _require_may_grant(target: InvitationTarget, role_or_level: str) -> None:
    needed = (MANAGES_LEVEL if isinstance(target, Workspace) else MANAGES_ROLE)[role_or_level]
    require(needed, target)


def get_by_token(token: str) -> ResourceObject:
    """The resource object of the token's invitation, if the calling user has the invited address; else 404."""
    identifier, nonce = parse_token(token)
    return OWN_INVITATIONS.get_resource({"id": identifier, "nonce": nonce})


def decline_invitation(token: str) -> ResourceObject:
    """Decline an invitation to your own address: it is canceled, and its link stops working."""
    with transaction() as session:
        require_own(P.INVITATION_ACCEPT)
        invitation = _lock_own(session, token)
        invitation.status = CANCELED
        session.flush()
        record_event(session, "invitations.decline", invitation, {"status": [PENDING, CANCELED]})
        return OWN_INVITATIONS.get_resource({"id": invitation.id}, session)


def accept(session: Session, token: str, workspace_id: str | None = None) -> tuple[Invitation, Joined]:
    """Accept the invitation with this token or id for the calling user, and record the events.

    Returns the invitation and the new role or level. 404 for a user with another address than the invited one. With
    ``workspace_id``, the invitation must be to that workspace.
    """
    user_id = require_own(P.INVITATION_ACCEPT)
    # One after the other for each user, so that two invitations to one organization create one membership.
    session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))
    invitation = _lock_own(session, token)
    if workspace_id is not None and invitation.workspace_id != workspace_id:
        raise NotFound
    if invitation.is_expired:
        raise InvitationExpired
    return invitation, fulfil(session, invitation, user_id)


def fulfil(session: Session, invitation: Invitation, user_id: str) -> Joined:
    """Give the calling user what the invitation promises, and record the events. The invitation is locked."""
    membership, verb = membership_for(session, invitation.organization_id, user_id)
    end_expired(session, *_in_place_of(invitation, membership.id))
    joined = join(session, invitation, membership, user_id)
    if verb is not None:
        record_event(
            session, f"organization-memberships.{verb}", membership, created_changes({"status": membership.status})
        )
    given = {"username": caller().name, "environment": invitation.environment_id, "cell-scopes": invitation.cells}
    if invitation.project_id is not None:
        record_event(session, "project-members.create", joined, created_changes({"role": invitation.role, **given}))
    else:
        record_event(
            session, "workspace-acl-entries.create", joined, created_changes({"level": invitation.role, **given})
        )
    record_event(session, "invitations.accept", invitation, {"status": [PENDING, ACCEPTED]})
    return joined


def _in_place_of(invitation: Invitation, membership_id: str) -> tuple[type[Joined], ColumnElement[bool]]:
    """What the user may have had there, and which has ended."""
    if invitation.project_id is None:
        of_user = WorkspaceAclEntry.membership_id == membership_id
        return WorkspaceAclEntry, and_(of_user, WorkspaceAclEntry.__table__.c.workspace_id == invitation.workspace_id)
    of_user = ProjectMember.membership_id == membership_id
    return ProjectMember, and_(of_user, ProjectMember.project_id == invitation.project_id)


def _lock_own(session: Session, token: str) -> Invitation:
    """The pending invitation to the calling user's address, locked, by the token of its link or by its id.

    The id is enough, because the user has the address: they see their invitations without the link.
    """
    identifier, nonce = parse_token(token) if TOKEN_SEPARATOR in token else (token, None)
    # Locked before the invitation, because a request that deletes the project or workspace locks that first.
    lock_target(session, identifier)
    invitation = get_for_update(session, Invitation, identifier, P.INVITATION_ACCEPT, visible_by=P.INVITATION_ACCEPT)
    if nonce is not None:
        check_nonce(invitation, nonce)
    check_waiting(invitation)
    return invitation


def lock_target(session: Session, invitation_id: str) -> None:
    """Lock the project or workspace of the invitation against deletion, before the invitation itself."""
    for model, target_id in ((Project, Invitation.project_id), (Workspace, Invitation.workspace_id)):
        target = select(model.__table__.c.id).join(Invitation, target_id == model.__table__.c.id)
        locked = target.where(Invitation.id == invitation_id).with_for_update(of=model, read=True, key_share=True)
        session.execute(locked)
