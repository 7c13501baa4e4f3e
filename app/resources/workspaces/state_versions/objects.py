"""Uploading and downloading the bytes of states, at addresses that need no token."""

from typing import Any, Final

from flask import Response, request
from sqlalchemy import Row

from app.jsonapi.errors import NotFound
from app.resources.workspaces.state_versions import service
from app.resources.workspaces.state_versions.addresses import PREFIX, Part, verify_ticket
from app.resources.workspaces.state_versions.blueprint import blueprint
from app.services import services
from app.storage.store import ObjectNotFound
from app.web.context import release_reader
from app.web.guard import any_media_type, describes, open_to_all
from app.web.requests import sent_pieces

BYTES: Final = "application/octet-stream"
ADDRESS: Final = f"{PREFIX}<ticket>"


@blueprint.put(ADDRESS)
@open_to_all
@any_media_type
@describes(body={"type": "string", "format": "binary"}, errors=(400, 403, 409, 413, 422))
def upload_object(ticket: str) -> Response:
    """Upload a state or its JSON form, without a token. Sending the same bytes again changes nothing.

    The address is the permission, while whoever got it has a valid token, may store states there and holds the lock.
    """
    service.upload(verify_ticket("upload", ticket), sent_pieces)
    return Response(status=200, content_type=BYTES)


@blueprint.get(ADDRESS)
@open_to_all
@describes(answer={"type": "string", "format": "binary"}, errors=(403,))
def download_object(ticket: str) -> Response:
    """Download a state or its JSON form, byte for byte as it was sent. The address is the permission."""
    version_id, part, _ = verify_ticket("download", ticket)
    row = service.stored_version(version_id)
    release_reader()
    name, key = (row.state_object, row.state_key) if part == "state" else (row.json_state_object, row.json_state_key)
    if name is None or key is None:
        raise NotFound
    if request.method == "HEAD":
        return _with_length(Response(content_type=BYTES), part, row)
    try:
        pieces = services().vault.open(name, key)
    except ObjectNotFound:
        service.stored_version(version_id)  # 404 if it was just deleted with its workspace
        raise
    return _with_length(Response(pieces, content_type=BYTES), part, row)


def _with_length(response: Response, part: Part, row: Row[Any]) -> Response:
    response.content_length = row.size if part == "state" else row.json_state_size
    return response
