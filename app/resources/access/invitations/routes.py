"""Invitations into projects and to workspaces, over HTTP (mission: C6, C7, E7, E8)."""

from collections.abc import Sequence

from flask import Blueprint, Response
from sqlalchemy import select

from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.jsonapi.schema import load
from app.models.invitations import Invitation
from app.models.projects import Project
from app.models.users import User
from app.models.workspaces import Workspace
from app.persistence import fold_case
from app.resources.access.invitations import service
from app.resources.access.invitations.links import TOKEN_SEPARATOR, with_link
from app.resources.access.invitations.listing import INVITATIONS, OWN_INVITATIONS
from app.resources.access.invitations.schema import (
    IntoProjectSchema,
    InvitationSchema,
    ResetSchema,
    ToWorkspaceSchema,
)
from app.resources.access.project_members.operations import check_scope
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.web.answers import document_response, no_content, resource_response
from app.web.context import reader
from app.web.guard import describes, requires
from app.web.listing import ResourceObject
from app.web.policy import get_visible, require, require_own
from app.web.requests import body, optional_body

blueprint = Blueprint("invitations", __name__, url_prefix="/api/v2")


# --- of a project --------------------------------------------------------------------------------------------------


@blueprint.get("/projects/<project_id>/invitations")
@requires(P.PROJECT_READ, P.PROJECT_MANAGE_MEMBERS, P.INVITATION_MANAGE)
@describes(listing=INVITATIONS, errors=(400, 403))
def list_project_invitations(project_id: str) -> Response:
    """List the invitations to a project: the pending ones, unless the request asks for others."""
    project = get_visible(Project, project_id)
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
    invitation, shown = service.create_project_invitation(project_id, members)
    return resource_response(with_link(invitation, shown), 201)


# --- of a workspace ------------------------------------------------------------------------------------------------


@blueprint.get("/workspaces/<workspace_id>/invitations")
@requires(P.WORKSPACE_READ, P.INVITATION_MANAGE)
@describes(listing=INVITATIONS, errors=(400,))
def list_workspace_invitations(workspace_id: str) -> Response:
    """List the invitations to a workspace: the pending ones, unless the request asks for others."""
    workspace = WORKSPACES.get({"id": workspace_id})
    require(P.INVITATION_MANAGE, workspace, Workspace)
    return INVITATIONS.page_response({"organization_id": workspace.organization_id, "workspace_id": workspace_id})


@blueprint.post("/workspaces/<workspace_id>/invitations")
@requires(P.WORKSPACE_READ, P.INVITATION_MANAGE, P.WORKSPACE_MANAGE_ACL, P.WORKSPACE_MANAGE_OWNERS)
@describes(body=ToWorkspaceSchema, answer=InvitationSchema, status=201, errors=(403, 422, 429))
def create_workspace_invitation(workspace_id: str) -> Response:
    """Invite an e-mail address to a workspace, with a level. The link is sent as for an invitation to a project."""
    members = load(ToWorkspaceSchema, body())
    invitation, shown = service.create_workspace_invitation(workspace_id, members)
    return resource_response(with_link(invitation, shown), 201)


@blueprint.post("/workspaces/<workspace_id>/actions/reset-invite")
@requires(P.WORKSPACE_READ, P.INVITATION_MANAGE, P.WORKSPACE_MANAGE_OWNERS, P.WORKSPACE_MANAGE_ACL)
@describes(body=ResetSchema, one_sent=True, answer=InvitationSchema, many=True, paged=False, errors=(403, 422, 429))
def reset_invite(workspace_id: str) -> Response:
    """Replace the links of all pending invitations to a workspace, or of the one for an address.

    The earlier links stop working. The new ones are sent in the same way as the first.
    """
    email = load(ResetSchema, optional_body()).get("email")
    return document_response({"data": all_with_links(service.reset_invite(workspace_id, email))})


# --- one -----------------------------------------------------------------------------------------------------------


@blueprint.get("/invitations/<invitation_id>")
@requires(P.INVITATION_MANAGE, P.INVITATION_ACCEPT)
@describes(answer=InvitationSchema)
def show_invitation(invitation_id: str) -> Response:
    """Show an invitation: by its id to those who manage it, by its id or its link's token to the invited user."""
    if TOKEN_SEPARATOR in invitation_id:
        return resource_response(service.get_by_token(invitation_id))
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
    """Cancel a pending invitation; its link stops working."""
    service.destroy_invitation(invitation_id)
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
    """Replace the link of a pending or expired invitation; the earlier link stops working."""
    invitation, shown = service.resend_invitation(invitation_id)
    return resource_response(with_link(invitation, shown))


# --- for the invited user ------------------------------------------------------------------------------------------


@blueprint.get("/account/invitations")
@requires(P.INVITATION_ACCEPT)
@describes(listing=OWN_INVITATIONS, errors=(400,))
def list_own_invitations() -> Response:
    """List the invitations for the calling user's address: the pending ones, unless the request asks for others."""
    user_id = require_own(P.INVITATION_ACCEPT)
    email = reader().execute(select(User.email).where(User.id == user_id)).scalar_one()
    return OWN_INVITATIONS.page_response({"email_lower": fold_case(email)})


@blueprint.post("/invitations/<token>/actions/accept")
@requires(P.INVITATION_ACCEPT)
@describes(answer=InvitationSchema)
def accept_invitation(token: str) -> Response:
    """Accept an invitation to your own address: you get the role or level, and become a member of the organization.

    By the token of its link, or by its id, which you see in the list of your invitations.
    """
    return resource_response(service.accept_invitation(token))


@blueprint.post("/invitations/<token>/actions/decline")
@requires(P.INVITATION_ACCEPT)
@describes(answer=InvitationSchema)
def decline_invitation(token: str) -> Response:
    """Decline an invitation to your own address, by its id or its link's token: it is canceled."""
    return resource_response(service.decline_invitation(token))


def all_with_links(invitations: Sequence[Invitation]) -> list[ResourceObject]:
    """The resource objects of renewed invitations, with their links if the service sends no mail."""
    shown = {each["id"]: each for each in INVITATIONS.find_many({invitation.id for invitation in invitations})}
    # An invitation that was deleted meanwhile with its workspace needs no link.
    return [with_link(invitation, shown[invitation.id]) for invitation in invitations if invitation.id in shown]


# --- shared by the above -------------------------------------------------------------------------------------------
