"""Which workspaces may read the state of a workspace (spec: workspaces, remote state consumers).

Callers of these functions have locked the workspace's row.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import NotFound, Unprocessable
from app.models.workspaces import RemoteStateConsumer, Workspace
from app.persistence import in_values

Change = list[list[str]]
"""The ids of the removed and of the added consumers, sorted; not of all consumers, who can be many."""


class StateSharedGlobally(Unprocessable):
    """A workspace that shares its state with all others has no list of consumers."""

    code = "remote-state-shared-globally"
    detail = "Remote state consumers can't be changed while global remote state sharing is enabled"


class OwnConsumer(Unprocessable):
    """A workspace can always read its own state."""

    code = "own-remote-state-consumer"
    detail = "A workspace can't be a remote state consumer of itself"


def check_consumers(
    session: Session, workspace: Workspace, wanted: Sequence[str], visible: ColumnElement[bool]
) -> None:
    """Refuse the workspace itself, and workspaces that are missing, not visible or of another organization."""
    if workspace.global_remote_state:
        raise StateSharedGlobally(pointer="/data")
    if workspace.id in wanted:
        raise OwnConsumer(pointer=f"/data/{wanted.index(workspace.id)}/id")
    found = session.scalars(
        select(Workspace.id).where(
            in_values(Workspace.__table__.c.id, wanted),
            Workspace.organization_id == workspace.organization_id,
            visible,
        ),
    ).all()
    if len(found) < len(set(wanted)):
        raise NotFound


def set_consumers(
    session: Session,
    workspace: Workspace,
    *,
    add: Iterable[str] = (),
    remove: Iterable[str] | None = (),
) -> Change | None:
    """Add and remove consumers (``remove=None`` means all others); returns None if nothing changes."""
    before = set(
        session.scalars(
            select(RemoteStateConsumer.consumer_id).where(RemoteStateConsumer.workspace_id == workspace.id),
        ),
    )
    added = set(add)
    after = added if remove is None else (before - set(remove)) | added
    if after == before:
        return None
    gone, new = sorted(before - after), sorted(after - before)
    session.execute(
        delete(RemoteStateConsumer).where(
            RemoteStateConsumer.workspace_id == workspace.id,
            in_values(RemoteStateConsumer.__table__.c.consumer_id, gone),
        ),
    )
    session.add_all(RemoteStateConsumer(workspace_id=workspace.id, consumer_id=consumer) for consumer in new)
    return [gone, new]
