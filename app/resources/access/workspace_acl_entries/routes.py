"""The access lists of workspaces over HTTP (mission: E7)."""

from flask import Blueprint, Response, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.authz.roles import MANAGES_LEVEL
from app.jsonapi.errors import NotFound
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.models.workspace_acl_entries import OWNER, WorkspaceAclEntry
from app.models.workspaces import Workspace
from app.resources.access.invitations.accepting import accept
from app.resources.access.project_members.includes import included, including
from app.resources.access.workspace_acl_entries.listing import ACL
from app.resources.access.workspace_acl_entries.operations import keep_an_owner
from app.resources.access.workspace_acl_entries.schema import NewAclEntrySchema, WorkspaceAclEntrySchema
from app.resources.organizations.organization_memberships.members import active_member, username_of
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.web.answers import no_content, resource_response
from app.web.context import authenticate
from app.web.guard import describes, requires
from app.web.policy import get_for_update, is_allowed, require, visible
from app.web.requests import body
from app.web.transaction import apply_changes, created_changes, record_event, transaction

blueprint = Blueprint("workspace_acl_entries", __name__, url_prefix="/api/v2/workspaces/<workspace_id>/acl")

INCLUDES = ("user",)


@blueprint.get("")
@requires(P.WORKSPACE_READ, P.WORKSPACE_READ_ACL)
@describes(listing=ACL, includes=INCLUDES, errors=(400,))
def list_acl_entries(workspace_id: str) -> Response:
    """List the users with a level on a workspace."""
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
    """Give a member of the organization a level on a workspace, or accept an invitation to it."""
    given = body()
    invite = load(NewAclEntrySchema, given).get("invite")
    if invite is not None:
        return _by_invite(workspace_id, invite)
    members = load(WorkspaceAclEntrySchema, given)
    with transaction() as session:
        workspace = get_for_update(session, Workspace, workspace_id, P.WORKSPACE_MANAGE_ACL, share_lock=True)
        _require_may_grant(workspace, members["level"])
        user = active_member(session, workspace.organization_id, members.pop("user_id"))
        entry = WorkspaceAclEntry(
            organization_id=workspace.organization_id,
            workspace_id=workspace_id,
            membership_id=user.membership_id,
            **members,
        )
        session.add(entry)
        session.flush()
        record_event(
            session, "workspace-acl-entries.create", entry, created_changes({"username": user.username, **members})
        )
        shown = ACL.get_resource({"id": entry.id}, session)
    return resource_response(shown, 201)


@blueprint.get("/<entry_id>")
@requires(P.WORKSPACE_READ_ACL)
@describes(answer=WorkspaceAclEntrySchema, includes=INCLUDES, errors=(400,))
def show_acl_entry(workspace_id: str, entry_id: str) -> Response:
    """Show the level of a user on a workspace."""
    wanted = includes_of(request.args, INCLUDES)
    row = ACL.get({"id": entry_id, "workspace_id": workspace_id})
    return resource_response(ACL.to_resource(row), included=included([row], wanted) if wanted else None)


@blueprint.patch("/<entry_id>")
@requires(P.WORKSPACE_READ, P.WORKSPACE_READ_ACL, P.WORKSPACE_MANAGE_ACL, P.WORKSPACE_MANAGE_OWNERS)
@describes(body=WorkspaceAclEntrySchema, is_partial=True, answer=WorkspaceAclEntrySchema, errors=(403, 422))
def update_acl_entry(workspace_id: str, entry_id: str) -> Response:
    """Change the level of a user on a workspace."""
    members = load(WorkspaceAclEntrySchema, body(), partial=True, identifier=entry_id)
    members.pop("user_id", None)
    with transaction() as session:
        workspace = get_for_update(session, Workspace, workspace_id, P.WORKSPACE_READ)
        entry = _entry(session, workspace, entry_id)
        was_owner = entry.level == OWNER
        _require_may_grant(workspace, entry.level, members.get("level", entry.level))
        changes = apply_changes(entry, members)
        session.flush()
        if was_owner and entry.level != OWNER:
            keep_an_owner(session, workspace_id)
        if changes:
            username = username_of(session, entry.membership_id)
            record_event(session, "workspace-acl-entries.update", entry, {"username": [username] * 2, **changes})
        shown = ACL.get_resource({"id": entry_id}, session)
    return resource_response(shown)


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
    with transaction() as session:
        workspace = get_for_update(session, Workspace, workspace_id, P.WORKSPACE_READ)
        entry = _entry(session, workspace, entry_id)
        if not is_allowed(P.ACCESS_GIVE_UP, entry):
            _require_may_grant(workspace, entry.level)
        username = username_of(session, entry.membership_id)
        changes = {"username": [username, None], "level": [entry.level, None]}
        record_event(session, "workspace-acl-entries.delete", entry, changes)
        session.delete(entry)
        session.flush()
        if entry.level == OWNER:
            keep_an_owner(session, workspace_id)
    return no_content()


def _by_invite(workspace_id: str, token: str) -> Response:
    with transaction() as session:
        _, entry = accept(session, token, workspace_id)
    # He sees his own entry by what he has become with it.
    authenticate()
    return resource_response(ACL.get_resource({"id": entry.id}), 201)


def _entry(session: Session, workspace: Workspace, entry_id: str) -> WorkspaceAclEntry:
    # The workspace is locked before it, so that the owners of one change one after the other.
    entry = session.scalars(
        select(WorkspaceAclEntry)
        .where(
            WorkspaceAclEntry.id == entry_id,
            WorkspaceAclEntry.__table__.c.workspace_id == workspace.id,
            visible(P.WORKSPACE_READ_ACL, WorkspaceAclEntry),
        )
        .with_for_update(of=WorkspaceAclEntry),
    ).one_or_none()
    if entry is None:
        raise NotFound
    return entry


def _require_may_grant(workspace: Workspace, *levels: str) -> None:
    for level in levels:
        require(MANAGES_LEVEL[level], workspace)
