"""Use cases of workspace acl entries: each checks the caller, changes in one transaction and records its event."""

from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.authz.roles import MANAGES_LEVEL
from app.jsonapi.errors import NotFound
from app.models.expiring_grants import is_in_force
from app.models.workspace_acl_entries import WorkspaceAclEntry
from app.models.workspaces import Workspace
from app.resources.access.expiring_grants.ending import end_expired
from app.resources.access.expiring_grants.operations import check_expiry
from app.resources.access.expiring_grants.prolonging import check_own_expiry
from app.resources.access.invitations.service import accept
from app.resources.access.workspace_acl_entries.listing import ACL
from app.resources.access.workspace_acl_entries.operations import is_lasting_owner, keep_an_owner
from app.resources.organizations.organization_memberships.members import pop_member, username_of
from app.web.listing import ResourceObject
from app.web.policy import get_for_update, is_allowed, require, visible
from app.web.transaction import apply_changes, created_changes, record_event, transaction


def create_acl_entry(workspace_id: str, members: dict[str, Any]) -> ResourceObject:
    """Give a member of the organization a level on a workspace, or accept an invitation to it."""
    with transaction() as session:
        workspace = get_for_update(session, Workspace, workspace_id, P.WORKSPACE_MANAGE_ACL, share_lock=True)
        _require_may_grant(workspace, members["level"])
        check_expiry(members)
        user = pop_member(session, workspace.organization_id, members)
        of_user = WorkspaceAclEntry.membership_id == user.membership_id
        in_its_place = and_(of_user, WorkspaceAclEntry.__table__.c.workspace_id == workspace_id)
        end_expired(session, WorkspaceAclEntry, in_its_place)
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
        return ACL.get_resource({"id": entry.id}, session)


def update_acl_entry(workspace_id: str, entry_id: str, members: dict[str, Any]) -> ResourceObject:
    """Change the level of a user on a workspace."""
    with transaction() as session:
        workspace = get_for_update(session, Workspace, workspace_id, P.WORKSPACE_READ)
        entry = _entry(session, workspace, entry_id)
        check_expiry(members)
        check_own_expiry(entry, members)
        was_owner = is_lasting_owner(entry)
        _require_may_grant(workspace, entry.level, members.get("level", entry.level))
        changes = apply_changes(entry, members)
        if changes:
            # From now on it is granted, and does not end with the role of a creator.
            entry.created_in_id = None
        session.flush()
        if was_owner and not is_lasting_owner(entry):
            keep_an_owner(session, workspace_id)
        if changes:
            username = username_of(session, entry.membership_id)
            record_event(session, "workspace-acl-entries.update", entry, {"username": [username] * 2, **changes})
        return ACL.get_resource({"id": entry_id}, session)


def destroy_acl_entry(workspace_id: str, entry_id: str) -> None:
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
        if is_lasting_owner(entry):
            keep_an_owner(session, workspace_id)


def accept_invitation(workspace_id: str, token: str) -> str:
    """Accept the token's invitation to this workspace for the calling user; returns the id of the new entry."""
    with transaction() as session:
        _, entry = accept(session, token, workspace_id)
        return entry.id


def _entry(session: Session, workspace: Workspace, entry_id: str) -> WorkspaceAclEntry:
    # The workspace is locked before the entry, so that changes of its owners happen one after the other.
    entry = session.scalars(
        select(WorkspaceAclEntry)
        .where(
            WorkspaceAclEntry.id == entry_id,
            WorkspaceAclEntry.__table__.c.workspace_id == workspace.id,
            is_in_force(WorkspaceAclEntry),
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
