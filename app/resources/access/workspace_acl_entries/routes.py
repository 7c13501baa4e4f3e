"""The access lists of workspaces over HTTP (mission: E7)."""

from flask import Blueprint, Response, request

from app.authz.permissions import P
from app.jsonapi import Json
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.models.workspaces import Workspace
from app.resources.access.project_members.includes import included, including
from app.resources.access.workspace_acl_entries import service
from app.resources.access.workspace_acl_entries.listing import ACL
from app.resources.access.workspace_acl_entries.schema import (
    GrantedAclEntrySchema,
    NewAclEntrySchema,
    WorkspaceAclEntrySchema,
)
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.web.answers import no_content, resource_response
from app.web.context import authenticate
from app.web.guard import describes, requires
from app.web.policy import require
from app.web.requests import body

blueprint = Blueprint("workspace_acl_entries", __name__, url_prefix="/api/v2/workspaces/<workspace_id>/acl")

INCLUDES = ("user",)


@blueprint.get("")
@requires(P.WORKSPACE_READ, P.WORKSPACE_READ_ACL)
@describes(listing=ACL, includes=INCLUDES, errors=(400,))
def list_acl_entries(workspace_id: str) -> Response:
    """List the users with a level on a workspace."""
    return list_entries(workspace_id)


def list_entries(workspace_id: str) -> Response:
    """The answer with the entries of the workspace."""
    workspace = WORKSPACES.get({"id": workspace_id})
    require(P.WORKSPACE_READ_ACL, workspace, Workspace)
    wanted = includes_of(request.args, INCLUDES)
    parents = {"organization_id": workspace.organization_id, "workspace_id": workspace_id}
    return ACL.page_response(parents, include=including(wanted))


@blueprint.post("")
@requires(
    P.WORKSPACE_READ_ACL, P.WORKSPACE_READ, P.WORKSPACE_MANAGE_ACL, P.WORKSPACE_MANAGE_OWNERS, P.INVITATION_ACCEPT
)
@describes(body=NewAclEntrySchema, answer=WorkspaceAclEntrySchema, status=201, errors=(403, 422))
def create_acl_entry(workspace_id: str) -> Response:
    """Give a member of the organization a level on a workspace, or accept an invitation to it.

    The person is named by the relationship `user`, or by the attribute `username` or `email`.
    """
    given = body()
    invite = load(NewAclEntrySchema, given).get("invite")
    if invite is not None:
        return _by_invite(workspace_id, invite)
    return create_entry(workspace_id, given)


def create_entry(workspace_id: str, given: Json) -> Response:
    """The answer with a new entry for a member of the organization."""
    members = load(GrantedAclEntrySchema, given)
    return resource_response(service.create_acl_entry(workspace_id, members), 201)


@blueprint.get("/<entry_id>")
@requires(P.WORKSPACE_READ_ACL)
@describes(answer=WorkspaceAclEntrySchema, includes=INCLUDES, errors=(400,))
def show_acl_entry(workspace_id: str, entry_id: str) -> Response:
    """Show the level of a user on a workspace."""
    return show_entry(workspace_id, entry_id)


def show_entry(workspace_id: str, entry_id: str) -> Response:
    """The answer with this entry."""
    wanted = includes_of(request.args, INCLUDES)
    row = ACL.get({"id": entry_id, "workspace_id": workspace_id})
    return resource_response(ACL.to_resource(row), included=included([row], wanted) if wanted else None)


@blueprint.patch("/<entry_id>")
@requires(
    P.PROJECT_MANAGE_MEMBERS, P.WORKSPACE_READ, P.WORKSPACE_READ_ACL, P.WORKSPACE_MANAGE_ACL, P.WORKSPACE_MANAGE_OWNERS
)
@describes(body=WorkspaceAclEntrySchema, is_partial=True, answer=WorkspaceAclEntrySchema, errors=(403, 422))
def update_acl_entry(workspace_id: str, entry_id: str) -> Response:
    """Change the level of a user on a workspace."""
    return update_entry(workspace_id, entry_id)


def update_entry(workspace_id: str, entry_id: str) -> Response:
    """The answer to a request that changes this entry."""
    members = load(WorkspaceAclEntrySchema, body(), partial=True, identifier=entry_id)
    members.pop("user_id", None)
    return resource_response(service.update_acl_entry(workspace_id, entry_id, members))


@blueprint.delete("/<entry_id>")
@requires(
    P.WORKSPACE_READ,
    P.WORKSPACE_READ_ACL,
    P.ACCESS_GIVE_UP,
    P.WORKSPACE_MANAGE_ACL,
    P.WORKSPACE_MANAGE_OWNERS,
)
@describes(status=204, errors=(403,))
def destroy_acl_entry(workspace_id: str, entry_id: str) -> Response:
    """Remove a user's level on a workspace; everybody may give up their own."""
    return destroy_entry(workspace_id, entry_id)


def destroy_entry(workspace_id: str, entry_id: str) -> Response:
    """The answer to a request that removes this entry."""
    service.destroy_acl_entry(workspace_id, entry_id)
    return no_content()


def _by_invite(workspace_id: str, token: str) -> Response:
    entry_id = service.accept_invitation(workspace_id, token)
    # The caller can see the new entry only through the grants that it gives.
    authenticate()
    return resource_response(ACL.get_resource({"id": entry_id}), 201)
