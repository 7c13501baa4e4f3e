"""States that are carried here from another service, with their serials and lineages."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.errors import Conflict
from app.models.workspace_states import latest_versions, promote_latest
from app.models.workspaces import Workspace
from app.resources.workspaces.state_versions.ingest import create_with_state, ingest
from app.resources.workspaces.workspaces.locking import AlreadyLocked
from app.web.context import caller
from app.web.policy import lock_row
from app.web.transaction import check_transaction, transaction


@dataclass(frozen=True, slots=True)
class HistoryEnd:
    """The newest state of a workspace."""

    serial: int
    lineage: str | None
    md5: str


def end_of_history(workspace_id: str) -> HistoryEnd | None:
    """The newest state of the workspace; None if it has none."""
    with check_transaction() as session:
        return _end(session, workspace_id)


def _end(session: Session, workspace_id: str) -> HistoryEnd | None:
    newest = latest_versions(session, workspace_id).arrived
    return None if newest is None else HistoryEnd(newest.serial, newest.lineage, newest.md5)


def carry_state(workspace_id: str, serial: int, pieces: Iterator[bytes], after: HistoryEnd | None) -> HistoryEnd:
    """Add a state after the newest one, with which its history was compared, and which must still be it.

    So it may have any serial and lineage. The caller needs no lock, because it is one transaction; but nobody else may
    hold one.
    """
    with ingest(pieces) as arrival, transaction() as session:
        workspace = lock_row(session, Workspace, workspace_id, P.STATE_WRITE, visible_by=P.STATE_WRITE)
        if workspace.locked:
            raise AlreadyLocked("The workspace is locked; wait until it is unlocked, then import again")
        if _end(session, workspace_id) != after:
            raise Conflict("Another state was stored meanwhile; import again")
        summary = arrival.summary
        members = {"serial": serial, "md5": summary.md5, "lineage": summary.lineage, "forced": True}
        create_with_state(session, workspace, caller().user_id, members, arrival)
        # As when a lock is given up: from now on it is the current one.
        promote_latest(session, session.get_one(Workspace, workspace_id))
        return HistoryEnd(serial, summary.lineage, summary.md5)
