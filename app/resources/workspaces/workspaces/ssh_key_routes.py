"""The SSH key of a workspace over HTTP (spec: workspaces, SSH key)."""

from typing import Final

from flask import Response

from app.authz.permissions import P
from app.jsonapi.errors import InvalidAttribute, Unprocessable
from app.resources.workspaces.workspaces import service
from app.resources.workspaces.workspaces.blueprint import blueprint
from app.resources.workspaces.workspaces.schema import WorkspaceSchema
from app.web.answers import resource_response
from app.web.guard import describes, requires
from app.web.requests import body

KEY_BODY: Final = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {
            "type": ["object", "null"],
            "properties": {
                "type": {"enum": ["workspaces", "ssh-keys"]},
                "id": {"type": ["string", "null"]},
                "attributes": {"type": "object", "properties": {"id": {"type": ["string", "null"]}}},
            },
        }
    },
}


@blueprint.patch("/workspaces/<workspace_id>/relationships/ssh-key")
@requires(P.WORKSPACE_READ, P.WORKSPACE_UPDATE, P.SSH_KEY_READ)
@describes(body=KEY_BODY, answer=WorkspaceSchema, errors=(422,))
def assign_ssh_key(workspace_id: str) -> Response:
    """Give a workspace an SSH key of its organization; null takes it away. A key that can't be seen is 404."""
    return resource_response(service.assign_ssh_key(workspace_id, _sent_id(body())))


def _sent_id(document: object) -> str | None:
    """The id of the key: of an identifier, or in the attributes of a workspace, where go-tfe sends it."""
    if not isinstance(document, dict) or "data" not in document:
        raise Unprocessable("The document must have a member data", pointer="")
    data, pointer = document["data"], "/data/id"
    if isinstance(data, dict) and isinstance(data.get("attributes"), dict):
        data, pointer = data["attributes"], "/data/attributes/id"
    if data is None:
        return None
    if not isinstance(data, dict) or "id" not in data:
        raise InvalidAttribute("Id can't be blank", pointer=pointer)
    if data["id"] is not None and not isinstance(data["id"], str):
        raise InvalidAttribute("Id must be a string or null", pointer=pointer)
    identifier: str | None = data["id"]
    return identifier
