"""Showing and accepting an invitation by its token, for the API and for the page."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.models.invitations import ACCEPTED, PENDING, Invitation
from app.models.projects import Project
from app.models.users import User
from app.models.workspaces import Workspace
from app.resources.access.invitations.links import check_nonce, parse_token
from app.resources.access.invitations.listing import OWN_INVITATIONS
from app.resources.access.invitations.operations import (
    InvitationExpired,
    Joined,
    check_waiting,
    join,
    membership_for,
)
from app.web.context import caller
from app.web.listing import ResourceObject
from app.web.policy import get_for_update, require_own
from app.web.transaction import created_changes, record_event


def show(token: str) -> ResourceObject:
    """The resource object of the token's invitation, if the calling user has the invited address; else 404."""
    identifier, nonce = parse_token(token)
    return OWN_INVITATIONS.get_resource({"id": identifier, "nonce": nonce})


def accept(session: Session, token: str, workspace_id: str | None = None) -> tuple[Invitation, Joined]:
    """Accept the token's invitation for the calling user, and record the events.

    Returns the invitation and the new role or level. 404 for a user with another address than the invited one. With
    ``workspace_id``, the invitation must be to that workspace.
    """
    user_id = require_own(P.INVITATION_ACCEPT)
    identifier, nonce = parse_token(token)
    # One after the other for each user, so that two invitations into one organization make one membership.
    session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))
    # Before the invitation: who deletes the place, or hands it over, has it locked when he comes to the rest.
    _keep_place(session, identifier)
    invitation = get_for_update(session, Invitation, identifier, P.INVITATION_ACCEPT, visible_by=P.INVITATION_ACCEPT)
    check_nonce(invitation, nonce)
    if workspace_id is not None and invitation.workspace_id != workspace_id:
        raise NotFound
    check_waiting(invitation)
    if invitation.is_expired:
        raise InvitationExpired
    membership, verb = membership_for(session, invitation.organization_id, user_id)
    joined = join(session, invitation, membership, user_id)
    if verb is not None:
        record_event(
            session, f"organization-memberships.{verb}", membership, created_changes({"status": membership.status})
        )
    promised = {"username": caller().name, "environment": invitation.environment_id, "cell-scopes": invitation.cells}
    if invitation.project_id is not None:
        record_event(session, "project-members.create", joined, created_changes({"role": invitation.role, **promised}))
    else:
        record_event(
            session, "workspace-acl-entries.create", joined, created_changes({"level": invitation.role, **promised})
        )
    record_event(session, "invitations.accept", invitation, {"status": [PENDING, ACCEPTED]})
    return invitation, joined


def _keep_place(session: Session, invitation_id: str) -> None:
    for model, place_id in ((Project, Invitation.project_id), (Workspace, Invitation.workspace_id)):
        place = select(model.__table__.c.id).join(Invitation, place_id == model.__table__.c.id)
        kept = place.where(Invitation.id == invitation_id).with_for_update(of=model, read=True, key_share=True)
        session.execute(kept)
