"""Use cases of the lock of a workspace.

Every ``terraform apply`` locks and unlocks. So the row is read once, as it is shown, and shown again as it was written.
"""

from typing import Final

from sqlalchemy import ColumnElement, bindparam, select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.errors import Unauthorized
from app.models.run_machine import Machine
from app.models.state_versions import StateVersion
from app.models.teams import Team
from app.models.users import User
from app.models.workspace_states import Latest, discard_pending, latest_versions, promoted
from app.models.workspaces import Workspace
from app.persistence import AnyRow, Base, ChangedRow
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.resources.workspaces.workspaces.locking import (
    StatePending,
    check_may_unlock,
    check_no_active_run,
    holder_of,
    lock,
    unlock,
)
from app.web.context import caller
from app.web.listing import ResourceObject
from app.web.transaction import transaction, write

_WORKSPACES: Final = Base.metadata.tables[Workspace.__tablename__]
_VERSIONS: Final = Base.metadata.tables[StateVersion.__tablename__]
# What the rules ask for besides what is shown.
_ALSO: Final = (Workspace.locked_by_name, Workspace.has_own_iac_tool)


def _kept(model: type[Base]) -> ColumnElement[str]:
    key = model.__table__.c.id
    found = select(key).where(key == bindparam("holder_id")).with_for_update(read=True, key_share=True)
    return found.scalar_subquery().label("holder")


# A team or user who is being deleted gives back their locks; they must not get another one meanwhile.
_KEPT: Final = {"team": _kept(Team), "user": _kept(User)}


def lock_workspace(workspace_id: str, reason: str | None) -> ResourceObject:
    """Lock a workspace, with a reason that others can read; 409 if it is locked, even by the caller."""
    who = caller()
    holder = (_KEPT[who.kind],) if who.kind in _KEPT else ()
    with transaction() as session:
        row = WORKSPACES.lock(
            session, workspace_id, P.WORKSPACE_LOCK, also=(*_ALSO, *holder), parameters={"holder_id": who.id}
        )
        if holder and row.holder is None:
            raise Unauthorized
        values = lock(row, who, reason)
        changes = {"locked": [False, True], "locked-reason": [None, reason]}
        write(
            session,
            ChangedRow(_WORKSPACES, values, row.id),
            event=("workspaces.lock", row, changes),
            of=Workspace,
        )
        return WORKSPACES.to_resource(WORKSPACES.row_of(row, **values))


def unlock_workspace(workspace_id: str) -> ResourceObject:
    """Unlock a workspace that the caller has locked; its newest state version becomes the current one."""
    with transaction() as session:
        row = WORKSPACES.lock(session, workspace_id, P.WORKSPACE_LOCK, also=_ALSO)
        check_may_unlock(row, caller())
        latest = latest_versions(session, workspace_id)
        if latest.is_pending:
            raise StatePending
        return _unlock(session, row, latest, "workspaces.unlock")


def force_unlock_workspace(workspace_id: str) -> ResourceObject:
    """Unlock a workspace, whoever has locked it; a state version that never arrived is discarded.

    A run that is not over keeps its lock: it has to be canceled or discarded first.
    """
    with transaction() as session:
        row = WORKSPACES.lock(session, workspace_id, P.WORKSPACE_FORCE_UNLOCK, also=_ALSO)
        check_no_active_run(session, row)
        if row.locked:
            discard_pending(session, workspace_id)
        return _unlock(session, row, latest_versions(session, workspace_id), "workspaces.force-unlock")


def _unlock(session: Session, row: AnyRow, latest: Latest, action: str) -> ResourceObject:
    values = unlock(row)
    newest = latest.arrived
    versions = []
    if newest is not None and newest.id != row.current_state_version_id:
        inherits = row.inherits_project_auto_destroy
        duration = newest.inherited_duration if inherits else row.auto_destroy_activity_duration
        values |= promoted(row, newest, duration)
        due = values["auto_destroy_due_at"]
        if isinstance(due, ColumnElement):
            values["auto_destroy_due_at"] = session.scalar(select(due))
        values["latest_change_at"] = values["state_changed_at"]
        versions.append(ChangedRow(_VERSIONS, {"intermediate": False}, newest.id))
    changes = {"locked": [True, False], "locked-by": [str(holder_of(row)), None]}
    written = {name: value for name, value in values.items() if name in _WORKSPACES.c}
    write(session, *versions, ChangedRow(_WORKSPACES, written, row.id), event=(action, row, changes), of=Workspace)
    if row.latest_run_id is None:
        return WORKSPACES.to_resource(WORKSPACES.row_of(row, **values))
    workspace = session.get_one(Workspace, row.id)
    Machine(session, workspace, caller().user_id).follow_state(has_changed=bool(versions))
    session.flush()
    return WORKSPACES.get_resource({"id": row.id}, session)
