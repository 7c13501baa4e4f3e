"""Locking and unlocking workspaces over HTTP (spec: workspaces, locking)."""

from typing import Final

from flask import Response

from app.authz.permissions import P
from app.jsonapi.errors import InvalidAttribute, Unprocessable
from app.resources.workspaces.workspaces import lock_service as service
from app.resources.workspaces.workspaces.blueprint import blueprint
from app.resources.workspaces.workspaces.schema import WorkspaceSchema
from app.web.answers import resource_response
from app.web.guard import describes, requires
from app.web.requests import optional_body

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
    return resource_response(service.lock_workspace(workspace_id, reason))


@blueprint.post("/workspaces/<workspace_id>/actions/unlock")
@requires(P.WORKSPACE_READ, P.WORKSPACE_LOCK)
@describes(answer=WorkspaceSchema, errors=(409, 422))
def unlock_workspace(workspace_id: str) -> Response:
    """Unlock a workspace that the caller has locked; its newest state version becomes the current one."""
    return resource_response(service.unlock_workspace(workspace_id))


@blueprint.post("/workspaces/<workspace_id>/actions/force-unlock")
@requires(P.WORKSPACE_READ, P.WORKSPACE_FORCE_UNLOCK)
@describes(answer=WorkspaceSchema, errors=(409,))
def force_unlock_workspace(workspace_id: str) -> Response:
    """Unlock a workspace, whoever has locked it; a state version that never arrived is discarded."""
    return resource_response(service.force_unlock_workspace(workspace_id))


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
