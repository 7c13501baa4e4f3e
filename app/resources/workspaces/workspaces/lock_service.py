"""Use cases of the lock of a workspace."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.errors import Unauthorized
from app.models.run_machine import Machine
from app.models.teams import Team
from app.models.users import User
from app.models.workspace_states import discard_pending, pending_version
from app.models.workspaces import Workspace
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.resources.workspaces.workspaces.locking import (
    StatePending,
    check_may_unlock,
    check_no_active_run,
    holder_of,
    lock,
    release,
)
from app.web.context import caller
from app.web.listing import ResourceObject
from app.web.policy import get_for_update
from app.web.transaction import record_event, transaction


def lock_workspace(workspace_id: str, reason: str | None) -> ResourceObject:
    """Lock a workspace, with a reason that others can read; 409 if it is locked, even by the caller."""
    with transaction() as session:
        workspace = get_for_update(session, Workspace, workspace_id, P.WORKSPACE_LOCK)
        _keep_holder(session)
        lock(workspace, caller(), reason)
        record_event(session, "workspaces.lock", workspace, {"locked": [False, True], "locked-reason": [None, reason]})
        return _flush_and_show(session, workspace)


def _keep_holder(session: Session) -> None:
    # A team or user who is being deleted gives back their locks; they must not get another one meanwhile.
    model = {"team": Team, "user": User}.get(caller().kind)
    if model is not None:
        key = model.__table__.c.id
        holder = select(key).where(key == caller().id).with_for_update(read=True, key_share=True)
        if session.scalar(holder) is None:
            raise Unauthorized


def unlock_workspace(workspace_id: str) -> ResourceObject:
    """Unlock a workspace that the caller has locked; its newest state version becomes the current one."""
    with transaction() as session:
        workspace = get_for_update(session, Workspace, workspace_id, P.WORKSPACE_LOCK)
        check_may_unlock(workspace, caller())
        if pending_version(session, workspace_id) is not None:
            raise StatePending
        return _unlock(session, workspace, "workspaces.unlock")


def force_unlock_workspace(workspace_id: str) -> ResourceObject:
    """Unlock a workspace, whoever has locked it; a state version that never arrived is discarded.

    A run that is not over keeps its lock: it has to be canceled or discarded first.
    """
    with transaction() as session:
        workspace = get_for_update(session, Workspace, workspace_id, P.WORKSPACE_FORCE_UNLOCK)
        check_no_active_run(session, workspace)
        if workspace.locked:
            discard_pending(session, workspace_id)
        return _unlock(session, workspace, "workspaces.force-unlock")


def _unlock(session: Session, workspace: Workspace, action: str) -> ResourceObject:
    holder = holder_of(workspace)
    release(workspace)
    Machine(session, workspace, caller().user_id).follow_unlock()
    record_event(session, action, workspace, {"locked": [True, False], "locked-by": [str(holder), None]})
    return _flush_and_show(session, workspace)


def _flush_and_show(session: Session, workspace: Workspace) -> ResourceObject:
    session.flush()
    return WORKSPACES.get_resource({"id": workspace.id}, session)
