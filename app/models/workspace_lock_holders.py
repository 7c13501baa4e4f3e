"""Releasing the locks of a holder that is deleted."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.run_machine import Machine
from app.models.workspace_locks import TITLES, release
from app.models.workspace_states import discard_pending
from app.models.workspaces import Workspace

Released = list[tuple[Workspace, dict[str, Any]]]
"""Workspaces, with the changes for their events."""


def release_locks_of(session: Session, holder_type: str, holder_id: str) -> Released:
    """Release all locks of the team (``teams``) or account (``users``), as force-unlock does.

    Nobody could release them otherwise than by force, or be asked about them.
    """
    held = (
        select(Workspace)
        .where(Workspace.locked_by_id == holder_id, Workspace.locked_by_type == holder_type, Workspace.locked)
        # Always in the same order, so that two requests can't deadlock.
        .order_by(Workspace.id)
        .with_for_update(of=Workspace)
    )
    released: Released = []
    for workspace in session.scalars(held).all():
        holder = f"{TITLES[holder_type]} {workspace.locked_by_name}"
        release(workspace)
        discard_pending(session, workspace.id)
        Machine(session, workspace).follow_unlock()
        released.append((workspace, {"locked": [True, False], "locked-by": [holder, None]}))
    session.flush()
    return released
