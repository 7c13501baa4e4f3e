"""A workspace by its full name over HTTP (mission: E3, E6, E7, E8)."""

from typing import Any

from flask import Blueprint, Response, request

from app.authz.permissions import P
from app.jsonapi.errors import Conflict, NotFound, Taken, Unprocessable
from app.jsonapi.schema import load
from app.persistence import fold_case
from app.resources.access.invitations.routes import all_with_links
from app.resources.access.workspace_acl_entries import routes as acl
from app.resources.access.workspace_acl_entries.listing import ACL
from app.resources.access.workspace_acl_entries.schema import GrantedAclEntrySchema, WorkspaceAclEntrySchema
from app.resources.access.workspaces_by_name import service
from app.resources.projects.images import routes as images
from app.resources.projects.images.schema import AvatarSchema, ImageSchema
from app.resources.workspaces.workspaces.blueprint import BY_NAME, by_name
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.resources.workspaces.workspaces.moving import SECRETS
from app.resources.workspaces.workspaces.schema import NamedSchema, WorkspaceSchema
from app.resources.workspaces.workspaces.service import create_workspace
from app.web.answers import resource_response
from app.web.guard import describes, requires
from app.web.requests import body

blueprint = Blueprint("workspaces_by_name", __name__, url_prefix="/api/v2")

LIST = f"{BY_NAME}/acl"
ENTRY = f"{LIST}/<entry_id>"
AVATAR = f"{BY_NAME}/avatar"


class AnotherName(Unprocessable):
    """The document has another name than the address."""

    code = "another-name"
    pointer = "/data/attributes/name"
    detail = "Name must be the one in the address"


class WorkspaceExists(Conflict):
    """The workspace exists, and the request was only to create one."""

    code = "workspace-exists"
    detail = "The organization has a workspace with this name already"


@blueprint.put(BY_NAME)
@requires(
    P.ENVIRONMENT_READ,
    P.PROJECT_READ,
    P.WORKSPACE_READ,
    P.ORGANIZATION_READ,
    P.PROJECT_CREATE_WORKSPACE,
    P.WORKSPACE_UPDATE,
    P.PROJECT_MOVE_WORKSPACE,
    P.WORKSPACE_MOVE,
    *SECRETS,
    P.RUN_APPLY,
    P.INVITATION_MANAGE,
    P.WORKSPACE_MANAGE_ACL,
    P.WORKSPACE_MANAGE_OWNERS,
)
@describes(body=NamedSchema, is_partial=True, answer=WorkspaceSchema, statuses=(201,), errors=(403, 422, 429))
def put_workspace_by_name(organization: str, name: str) -> Response:
    """Update the workspace of an organization with this name, or create it if there is none.

    Attributes that are left out stay as they are. With ``If-None-Match: *`` or ``create-only``, an existing workspace
    is a conflict. With ``reset-invite``, the links of all pending invitations to the workspace are replaced, as by
    `actions/reset-invite`; ``included`` has the invitations.
    """
    conditions = by_name(organization, name)
    members = load(NamedSchema, body(), partial=True)
    resets = members.pop("reset_invite", False)
    is_only_created = members.pop("create_only", False) or request.headers.get("If-None-Match", "").strip() == "*"
    if fold_case(members.get("name", name)) != fold_case(name):
        raise AnotherName
    existing = _id_of(conditions)
    if existing is None:
        # The name in the address has the same limits as a name in a document.
        named = load(WorkspaceSchema, {"data": {"type": "workspaces", "attributes": {"name": name}}})
        try:
            return resource_response(create_workspace(conditions["organization_id"], {**named, **members}), 201)
        except Taken as taken:
            # The name was taken by a concurrent request, or by a workspace that the caller can't see.
            existing = _id_of(conditions) if taken.pointer == AnotherName.pointer else None
            if existing is None and not is_only_created:
                raise
    if is_only_created or existing is None:
        raise WorkspaceExists
    shown, invitations = service.update_workspace(existing, members, resets=resets)
    return resource_response(shown, included=all_with_links(invitations) if resets else None)


def _id_of(conditions: dict[str, Any]) -> str | None:
    try:
        return str(WORKSPACES.get(conditions).id)
    except NotFound:
        return None


# --- the access list -----------------------------------------------------------------------------------------------


@blueprint.get(LIST)
@requires(P.ORGANIZATION_READ, P.WORKSPACE_READ, P.WORKSPACE_READ_ACL)
@describes(listing=ACL, includes=acl.INCLUDES, errors=(400,))
def list_acl_entries_by_name(organization: str, name: str) -> Response:
    """List the users with a level on the workspace with this name."""
    return acl.list_entries(_id(organization, name))


@blueprint.post(LIST)
@requires(
    P.ORGANIZATION_READ,
    P.WORKSPACE_READ_ACL,
    P.WORKSPACE_READ,
    P.WORKSPACE_MANAGE_ACL,
    P.WORKSPACE_MANAGE_OWNERS,
)
@describes(body=GrantedAclEntrySchema, answer=WorkspaceAclEntrySchema, status=201, errors=(403, 422))
def create_acl_entry_by_name(organization: str, name: str) -> Response:
    """Give a member of the organization a level on the workspace with this name.

    An invitation is accepted at the workspace's own address, because the invited user does not see the workspace yet.
    """
    return acl.create_entry(_id(organization, name), body())


@blueprint.get(ENTRY)
@requires(P.ORGANIZATION_READ, P.WORKSPACE_READ, P.WORKSPACE_READ_ACL)
@describes(answer=WorkspaceAclEntrySchema, includes=acl.INCLUDES, errors=(400,))
def show_acl_entry_by_name(organization: str, name: str, entry_id: str) -> Response:
    """Show the level of a user on the workspace with this name."""
    return acl.show_entry(_id(organization, name), entry_id)


@blueprint.patch(ENTRY)
@requires(
    P.ORGANIZATION_READ, P.WORKSPACE_READ, P.WORKSPACE_READ_ACL, P.WORKSPACE_MANAGE_ACL, P.WORKSPACE_MANAGE_OWNERS
)
@describes(body=WorkspaceAclEntrySchema, is_partial=True, answer=WorkspaceAclEntrySchema, errors=(403, 422))
def update_acl_entry_by_name(organization: str, name: str, entry_id: str) -> Response:
    """Change the level of a user on the workspace with this name."""
    return acl.update_entry(_id(organization, name), entry_id)


@blueprint.delete(ENTRY)
@requires(
    P.ORGANIZATION_READ,
    P.WORKSPACE_READ,
    P.WORKSPACE_READ_ACL,
    P.ACCESS_GIVE_UP,
    P.WORKSPACE_MANAGE_ACL,
    P.WORKSPACE_MANAGE_OWNERS,
)
@describes(status=204, errors=(403,))
def destroy_acl_entry_by_name(organization: str, name: str, entry_id: str) -> Response:
    """Remove a user's level on the workspace with this name; everybody may give up their own."""
    return acl.destroy_entry(_id(organization, name), entry_id)


# --- the avatar ----------------------------------------------------------------------------------------------------


@blueprint.post(AVATAR)
@requires(P.ORGANIZATION_READ, P.WORKSPACE_READ, P.WORKSPACE_UPDATE)
@describes(body=AvatarSchema, answer=ImageSchema, status=201, errors=(422,))
def upload_avatar_by_name(organization: str, name: str) -> Response:
    """Set the avatar of the workspace with this name, as at the workspace's own address."""
    return images.set_avatar(_id(organization, name))


@blueprint.get(AVATAR)
@requires(P.ORGANIZATION_READ, P.WORKSPACE_READ)
@describes(answer=images.PICTURE)
def show_avatar_by_name(organization: str, name: str) -> Response:
    """Show the avatar of the workspace with this name, as an image."""
    return images.avatar_of(_id(organization, name))


@blueprint.delete(AVATAR)
@requires(P.ORGANIZATION_READ, P.WORKSPACE_READ, P.WORKSPACE_UPDATE)
@describes(status=204)
def destroy_avatar_by_name(organization: str, name: str) -> Response:
    """Remove the avatar of the workspace with this name."""
    return images.remove_avatar(_id(organization, name))


def _id(organization: str, name: str) -> str:
    return str(WORKSPACES.get(by_name(organization, name)).id)
