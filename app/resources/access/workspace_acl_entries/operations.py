"""The rules of the access list of a workspace."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Forbidden
from app.models.workspace_acl_entries import OWNER, WorkspaceAclEntry


class LastWorkspaceOwner(Forbidden):
    """An access list that has owners must keep at least one."""

    code = "last-workspace-owner"
    detail = "The access list of the workspace must keep at least one owner whose level does not expire"


def is_lasting_owner(entry: WorkspaceAclEntry) -> bool:
    """Whether it makes somebody an owner, and does not end by itself."""
    return entry.level == OWNER and entry.expires_at is None


def keep_an_owner(session: Session, workspace_id: str) -> None:
    """Refuse a change that has left the access list without a lasting owner. The workspace's row is locked."""
    owners = select(WorkspaceAclEntry.id).where(
        WorkspaceAclEntry.__table__.c.workspace_id == workspace_id,
        WorkspaceAclEntry.level == OWNER,
        WorkspaceAclEntry.expires_at.is_(None),
    )
    if session.scalar(owners.limit(1)) is None:
        raise LastWorkspaceOwner
