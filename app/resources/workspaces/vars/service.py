"""Use cases of vars: each checks the caller, changes in one transaction and records its event."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.models.vars import Var
from app.models.workspaces import Workspace
from app.persistence import AnyRow, new_row
from app.resources.workspaces.vars.listing import var_of_workspace
from app.resources.workspaces.vars.operations import change_var, check_room, new_var, vars_to_change, write_whole
from app.resources.workspaces.vars.schema import load_each
from app.web.conditions import ensure_matches
from app.web.listing import ResourceObject
from app.web.policy import lock_row
from app.web.transaction import record_event, record_events, transaction, write


def update_vars(workspace_id: str, items: list[dict[str, Any]]) -> None:
    """Update many variables of a workspace at once: all of them, or none."""
    with transaction() as session:
        _lock_workspace(session, workspace_id)
        found = vars_to_change(session, [item["id"] for item in items], workspace_id=workspace_id)
        loaded = load_each(items, "/data", partial=True)
        changes = [
            (found[item["id"]], change_var(found[item["id"]], members))
            for item, members in zip(items, loaded, strict=True)
        ]
        for variable in found.values():
            write_whole(variable)
        session.flush()
        check_room(session, is_new=False, workspace_id=workspace_id)
        record_events(session, "vars.update", changes)


def create_var(workspace_id: str, members: dict[str, Any]) -> ResourceObject:
    """Create a variable of a workspace."""
    with transaction() as session:
        workspace = _lock_workspace(session, workspace_id)
        variable, changes = new_var(members, organization_id=workspace.organization_id, workspace_id=workspace.id)
        write(session, new_row(variable), event=("vars.create", variable, changes))
        check_room(session, is_new=True, workspace_id=workspace.id)
        return var_of_workspace(workspace.id, variable.id, session)


def update_var(workspace_id: str | None, var_id: str, members: dict[str, Any]) -> ResourceObject:
    """Update a variable of a workspace; ``workspace_id`` is None if the request does not name the workspace."""
    with transaction() as session:
        variable = _lock_var(session, workspace_id, var_id)
        changes = change_var(variable, members)
        session.flush()
        check_room(session, is_new=False, workspace_id=str(variable.workspace_id))
        record_event(session, "vars.update", variable, changes)
        return var_of_workspace(str(variable.workspace_id), var_id, session)


def destroy_var(workspace_id: str | None, var_id: str) -> None:
    """Delete a variable of a workspace; ``workspace_id`` is None if the request does not name the workspace."""
    with transaction() as session:
        variable = _lock_var(session, workspace_id, var_id)
        session.delete(variable)
        session.flush()
        record_event(session, "vars.delete", variable)


def _lock_var(session: Session, workspace_id: str | None, var_id: str) -> Var:
    if workspace_id is None:
        workspace_id = session.scalar(select(Var.workspace_id).where(Var.id == var_id))
        if workspace_id is None:
            raise NotFound
    _lock_workspace(session, workspace_id)
    variable = vars_to_change(session, [var_id], workspace_id=workspace_id)[var_id]
    ensure_matches(session)
    return variable


def _lock_workspace(session: Session, workspace_id: str) -> AnyRow:
    # A shared lock: the workspace can't be deleted meanwhile, and several of its variables can change at once.
    return lock_row(session, Workspace, workspace_id, P.VARIABLE_WRITE, visible_by=P.VARIABLE_READ, share_lock=True)
