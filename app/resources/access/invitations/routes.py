"""Invitations into projects and to workspaces, over HTTP (mission: C6, C7, E7, E8)."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.authz.roles import MANAGES_LEVEL, MANAGES_ROLE
from app.jsonapi.errors import NotFound
from app.jsonapi.schema import load
from app.models.invitations import CANCELED, PENDING, Invitation
from app.models.projects import Project
from app.models.users import User
from app.models.workspaces import Workspace
from app.persistence import fold_case
from app.resources.access.invitations.accepting import accept, show
from app.resources.access.invitations.links import TOKEN_SEPARATOR, deliver
from app.resources.access.invitations.listing import INVITATIONS, OWN_INVITATIONS
from app.resources.access.invitations.operations import (
    InvitationTarget,
    NobodyInvited,
    check_waiting,
    invite,
    overdue,
    renew,
    waiting_for,
)
from app.resources.access.invitations.schema import (
    IntoProjectSchema,
    InvitationSchema,
    ResetSchema,
    ToWorkspaceSchema,
)
from app.resources.access.invitations.throttle import register_messages
from app.resources.access.project_members.operations import check_scope
from app.resources.access.project_members.roles import resolve_environment
from app.resources.projects.projects.listing import PROJECTS
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.web.answers import document_response, no_content, resource_response
from app.web.context import caller, reader, settings
from app.web.guard import describes, requires
from app.web.policy import get_for_update, require, require_own
from app.web.requests import body, optional_body
from app.web.transaction import created_changes, record_event, record_events, transaction

blueprint = Blueprint("invitations", __name__, url_prefix="/api/v2")


# --- of a project --------------------------------------------------------------------------------------------------


@blueprint.get("/projects/<project_id>/invitations")
@requires(P.PROJECT_READ, P.PROJECT_MANAGE_MEMBERS, P.INVITATION_MANAGE)
@describes(listing=INVITATIONS, errors=(400, 403))
def list_project_invitations(project_id: str) -> Response:
    """List the invitations to a project: those that wait, unless the request asks for others."""
    project = PROJECTS.get({"id": project_id})
    require(P.PROJECT_MANAGE_MEMBERS, project, Project)
    return INVITATIONS.page_response({"organization_id": project.organization_id, "project_id": project_id})


@blueprint.post("/projects/<project_id>/invitations")
@requires(P.PROJECT_READ, P.PROJECT_MANAGE_MEMBERS, P.PROJECT_MANAGE_OWNERS, P.ENVIRONMENT_READ, P.INVITATION_MANAGE)
@describes(body=IntoProjectSchema, answer=InvitationSchema, status=201, errors=(400, 403, 422, 429))
def create_project_invitation(project_id: str) -> Response:
    """Invite an e-mail address to a project, with a role.

    The link is sent to the address by mail; if the service sends no mail, it is in the answer. An expired invitation of
    the same address is canceled.
    """
    members = load(IntoProjectSchema, body())
    check_scope(members)
    with transaction() as session:
        project = get_for_update(session, Project, project_id, P.PROJECT_MANAGE_MEMBERS, share_lock=True)
        resolve_environment(session, members, project)
        invitation = _invited(session, project, members)
        shown = INVITATIONS.get_resource({"id": invitation.id}, session)
    return resource_response(deliver(invitation, shown), 201)


# --- of a workspace ------------------------------------------------------------------------------------------------


@blueprint.get("/workspaces/<workspace_id>/invitations")
@requires(P.WORKSPACE_READ, P.INVITATION_MANAGE)
@describes(listing=INVITATIONS, errors=(400,))
def list_workspace_invitations(workspace_id: str) -> Response:
    """List the invitations to a workspace: those that wait, unless the request asks for others."""
    workspace = WORKSPACES.get({"id": workspace_id})
    require(P.INVITATION_MANAGE, workspace, Workspace)
    return INVITATIONS.page_response({"organization_id": workspace.organization_id, "workspace_id": workspace_id})


@blueprint.post("/workspaces/<workspace_id>/invitations")
@requires(P.WORKSPACE_READ, P.INVITATION_MANAGE, P.WORKSPACE_MANAGE_ACL, P.WORKSPACE_MANAGE_OWNERS)
@describes(body=ToWorkspaceSchema, answer=InvitationSchema, status=201, errors=(403, 422, 429))
def create_workspace_invitation(workspace_id: str) -> Response:
    """Invite an e-mail address to a workspace, with a level. The link is sent as for invitations to projects."""
    members = load(ToWorkspaceSchema, body())
    with transaction() as session:
        workspace = _workspace(session, workspace_id)
        invitation = _invited(session, workspace, members)
        shown = INVITATIONS.get_resource({"id": invitation.id}, session)
    return resource_response(deliver(invitation, shown), 201)


@blueprint.post("/workspaces/<workspace_id>/actions/reset-invite")
@requires(P.WORKSPACE_READ, P.INVITATION_MANAGE, P.WORKSPACE_MANAGE_OWNERS, P.WORKSPACE_MANAGE_ACL)
@describes(body=ResetSchema, answer=InvitationSchema, many=True, errors=(403, 422, 429))
def reset_invite(workspace_id: str) -> Response:
    """Replace the links of all waiting invitations to a workspace, or of the one for an address.

    The earlier links stop working. The new ones are sent in the same way as the first.
    """
    email = load(ResetSchema, optional_body()).get("email")
    with transaction() as session:
        workspace = _workspace(session, workspace_id)
        invitations = session.scalars(waiting_for(workspace, email).with_for_update(of=Invitation)).all()
        if email is not None and not invitations:
            raise NobodyInvited
        for invitation in invitations:
            _require_may_grant(workspace, invitation.role)
            renew(invitation, settings().invitation_days)
        session.flush()
        register_messages(session, invitations)
        record_events(session, "invitations.resend", [(invitation, None) for invitation in invitations])
    shown = {each["id"]: each for each in INVITATIONS.find_many({invitation.id for invitation in invitations})}
    # One that went with its workspace meanwhile needs no link.
    renewed = [invitation for invitation in invitations if invitation.id in shown]
    return document_response({"data": [deliver(invitation, shown[invitation.id]) for invitation in renewed]})


# --- one -----------------------------------------------------------------------------------------------------------


@blueprint.get("/invitations/<invitation_id>")
@requires(P.INVITATION_MANAGE, P.INVITATION_ACCEPT)
@describes(answer=InvitationSchema)
def show_invitation(invitation_id: str) -> Response:
    """Show an invitation: by its id to those who manage it, by its id or its link's token to the invited user."""
    if TOKEN_SEPARATOR in invitation_id:
        return resource_response(show(invitation_id))
    try:
        return resource_response(INVITATIONS.get_resource({"id": invitation_id}))
    except NotFound:
        return resource_response(OWN_INVITATIONS.get_resource({"id": invitation_id}))


@blueprint.delete("/invitations/<invitation_id>")
@requires(
    P.INVITATION_MANAGE,
    P.PROJECT_MANAGE_OWNERS,
    P.WORKSPACE_MANAGE_OWNERS,
    P.PROJECT_MANAGE_MEMBERS,
    P.WORKSPACE_MANAGE_ACL,
)
@describes(status=204, errors=(403,))
def destroy_invitation(invitation_id: str) -> Response:
    """Cancel a waiting invitation; its link stops working."""
    with transaction() as session:
        invitation = _subject(session, invitation_id)
        check_waiting(invitation)
        _require_may_grant(_place_of(session, invitation), invitation.role)
        _cancel(session, invitation)
    return no_content()


@blueprint.post("/invitations/<invitation_id>/actions/resend")
@requires(
    P.INVITATION_MANAGE,
    P.PROJECT_MANAGE_OWNERS,
    P.WORKSPACE_MANAGE_OWNERS,
    P.PROJECT_MANAGE_MEMBERS,
    P.WORKSPACE_MANAGE_ACL,
)
@describes(answer=InvitationSchema, errors=(403, 429))
def resend_invitation(invitation_id: str) -> Response:
    """Replace the link of a waiting or expired invitation; the earlier link stops working."""
    with transaction() as session:
        invitation = _subject(session, invitation_id)
        check_waiting(invitation)
        _require_may_grant(_place_of(session, invitation), invitation.role)
        renew(invitation, settings().invitation_days)
        session.flush()
        register_messages(session, [invitation])
        record_event(session, "invitations.resend", invitation)
        shown = INVITATIONS.get_resource({"id": invitation_id}, session)
    return resource_response(deliver(invitation, shown))


# --- for who was invited -------------------------------------------------------------------------------------------


@blueprint.get("/account/invitations")
@requires(P.INVITATION_ACCEPT)
@describes(listing=OWN_INVITATIONS, errors=(400,))
def list_own_invitations() -> Response:
    """List the invitations for the calling user's address: those that wait, unless the request asks for others."""
    user_id = require_own(P.INVITATION_ACCEPT)
    email = reader().execute(select(User.email).where(User.id == user_id)).scalar_one()
    return OWN_INVITATIONS.page_response({"email_lower": fold_case(email)})


@blueprint.post("/invitations/<token>/actions/accept")
@requires(P.INVITATION_ACCEPT)
@describes(answer=InvitationSchema)
def accept_invitation(token: str) -> Response:
    """Accept an invitation for your own address: you get the role or level, and become a member of the organization."""
    with transaction() as session:
        invitation, _ = accept(session, token)
        shown = OWN_INVITATIONS.get_resource({"id": invitation.id}, session)
    return resource_response(shown)


# --- what they share -----------------------------------------------------------------------------------------------


def _workspace(session: Session, workspace_id: str) -> Workspace:
    return get_for_update(session, Workspace, workspace_id, P.INVITATION_MANAGE, share_lock=True)


def _subject(session: Session, invitation_id: str) -> Invitation:
    return get_for_update(session, Invitation, invitation_id, P.INVITATION_MANAGE)


def _place_of(session: Session, invitation: Invitation) -> InvitationTarget:
    if invitation.project_id is not None:
        return session.get_one(Project, invitation.project_id)
    return session.get_one(Workspace, invitation.workspace_id)


def _invited(session: Session, place: InvitationTarget, members: Mapping[str, Any]) -> Invitation:
    _require_may_grant(place, members["role"])
    # Others that invite wait, so that the number of invitations and the members stay as they are found.
    session.refresh(place, with_for_update={"key_share": True})
    for outdated in overdue(session, place, members["email"]):
        _cancel(session, outdated)
    invitation = invite(session, place, members, settings().invitation_days, caller().user_id)
    register_messages(session, [invitation])
    told = {"level" if isinstance(place, Workspace) else "role": members["role"], "email": members["email"]}
    scope = {"environment": members.get("environment_id"), "cell-scopes": members.get("cells")}
    record_event(session, "invitations.create", invitation, created_changes({**told, **scope}))
    return invitation


def _cancel(session: Session, invitation: Invitation) -> None:
    invitation.status = CANCELED
    session.flush()
    record_event(session, "invitations.cancel", invitation, {"status": [PENDING, CANCELED]})


def _require_may_grant(place: InvitationTarget, rank: str) -> None:
    needed = (MANAGES_LEVEL if isinstance(place, Workspace) else MANAGES_ROLE)[rank]
    require(needed, place)
