"""Locking and unlocking workspaces over HTTP (spec: workspaces, locking)."""

from typing import Any, Final

from flask import Response
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.errors import InvalidAttribute, Unprocessable
from app.models.workspaces import Workspace
from app.resources.workspaces.state_versions.operations import discard_pending, pending_version, promote_latest
from app.resources.workspaces.workspaces.blueprint import blueprint
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.resources.workspaces.workspaces.locking import (
    StatePending,
    check_may_unlock,
    holder_of,
    lock,
    release,
)
from app.resources.workspaces.workspaces.schema import WorkspaceSchema
from app.web.answers import resource_response
from app.web.context import caller
from app.web.guard import describes, requires
from app.web.policy import get_for_update
from app.web.requests import optional_body
from app.web.transaction import record_event, transaction

REASON_LENGTH: Final = 1_000
REASON_BODY: Final = {
    "type": "object",
    "properties": {"reason": {"type": ["string", "null"], "maxLength": REASON_LENGTH}},
}


@blueprint.post("/workspaces/<workspace_id>/actions/lock")
@requires(P.WORKSPACE_READ, P.WORKSPACE_LOCK)
@describes(body=REASON_BODY, answer=WorkspaceSchema, errors=(409, 422))
def lock_workspace(workspace_id: str) -> Response:
    """Lock a workspace, with a reason that others can read; 409 if it is locked, even by the caller."""
    reason = _reason(optional_body())
    with transaction() as session:
        workspace = _subject(session, workspace_id, P.WORKSPACE_LOCK)
        lock(workspace, caller(), reason)
        record_event(session, "workspaces.lock", workspace, {"locked": [False, True], "locked-reason": [None, reason]})
        shown = _flushed(session, workspace)
    return resource_response(shown)


@blueprint.post("/workspaces/<workspace_id>/actions/unlock")
@requires(P.WORKSPACE_READ, P.WORKSPACE_LOCK)
@describes(answer=WorkspaceSchema, errors=(409, 422))
def unlock_workspace(workspace_id: str) -> Response:
    """Unlock a workspace that the caller has locked; its newest state version becomes the current one."""
    with transaction() as session:
        workspace = _subject(session, workspace_id, P.WORKSPACE_LOCK)
        check_may_unlock(workspace, caller())
        if pending_version(session, workspace_id) is not None:
            raise StatePending
        shown = _unlocked(session, workspace, "workspaces.unlock")
    return resource_response(shown)


@blueprint.post("/workspaces/<workspace_id>/actions/force-unlock")
@requires(P.WORKSPACE_READ, P.WORKSPACE_FORCE_UNLOCK)
@describes(answer=WorkspaceSchema, errors=(409,))
def force_unlock_workspace(workspace_id: str) -> Response:
    """Unlock a workspace, whoever has locked it; a state version that never arrived is discarded."""
    with transaction() as session:
        workspace = _subject(session, workspace_id, P.WORKSPACE_FORCE_UNLOCK)
        if workspace.locked:
            discard_pending(session, workspace_id)
        shown = _unlocked(session, workspace, "workspaces.force-unlock")
    return resource_response(shown)


def _subject(session: Session, workspace_id: str, permission: P) -> Workspace:
    return get_for_update(session, Workspace, workspace_id, permission)


def _unlocked(session: Session, workspace: Workspace, action: str) -> dict[str, Any]:
    holder = holder_of(workspace)
    release(workspace)
    promote_latest(session, workspace)
    record_event(session, action, workspace, {"locked": [True, False], "locked-by": [str(holder), None]})
    return _flushed(session, workspace)


def _flushed(session: Session, workspace: Workspace) -> dict[str, Any]:
    session.flush()
    return WORKSPACES.get_resource({"id": workspace.id}, session)


def _reason(sent: object) -> str | None:
    """The reason, from a plain object or from the attributes of a document; both are documented."""
    if not isinstance(sent, dict):
        raise Unprocessable("The document must be an object", pointer="")
    pointer = ""
    attributes: object = sent
    if "data" in sent:
        pointer = "/data/attributes"
        data = {} if sent["data"] is None else sent["data"]
        attributes = data.get("attributes") if isinstance(data, dict) else data
    if attributes is None:
        return None
    if not isinstance(attributes, dict):
        raise Unprocessable("attributes must be an object", pointer=pointer)
    reason = attributes.get("reason")
    if reason is not None and not isinstance(reason, str):
        raise InvalidAttribute("Reason must be a string", pointer=f"{pointer}/reason")
    if reason is not None and len(reason) > REASON_LENGTH:
        raise InvalidAttribute(
            f"Reason is too long (maximum is {REASON_LENGTH} characters)",
            pointer=f"{pointer}/reason",
        )
    return reason
