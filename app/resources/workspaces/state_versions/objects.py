"""Uploading and downloading the bytes of states, at addresses that need no token."""

from collections.abc import Iterator
from typing import Any, Final

from flask import Response, request
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import NotFound
from app.models.state_versions import DISCARDED, PENDING, StateVersion
from app.models.workspaces import Workspace
from app.resources.workspaces.state_versions.addresses import PREFIX, Part, verify_ticket
from app.resources.workspaces.state_versions.blueprint import blueprint
from app.resources.workspaces.state_versions.operations import (
    VersionDiscarded,
    accept_json_state,
    accept_state,
    object_name,
)
from app.resources.workspaces.state_versions.state_parser import StateReader, UnreadableState
from app.storage.place import vault
from app.storage.store import ObjectNotFound
from app.web.context import reader, release_reader, settings
from app.web.guard import any_media_type, describes, open_to_all
from app.web.objects import delete_objects, stored_object
from app.web.requests import sent_pieces
from app.web.transaction import transaction

BYTES: Final = "application/octet-stream"
ADDRESS: Final = f"{PREFIX}<ticket>"


@blueprint.put(ADDRESS)
@open_to_all
@any_media_type
@describes(body={"type": "string", "format": "binary"}, errors=(400, 403, 409, 413, 422))
def upload_object(ticket: str) -> Response:
    """Upload a state or its JSON form. The address is the permission. Sending the same bytes again changes nothing."""
    version_id, part = verify_ticket("upload", ticket)
    _upload(version_id, part)
    return Response(status=200, content_type=BYTES)


@blueprint.get(ADDRESS)
@open_to_all
@describes(answer={"type": "string", "format": "binary"}, errors=(403,))
def download_object(ticket: str) -> Response:
    """Download a state or its JSON form, byte for byte as it was sent. The address is the permission."""
    version_id, part = verify_ticket("download", ticket)
    row = _row(version_id)
    name, key = (row.state_object, row.state_key) if part == "state" else (row.json_state_object, row.json_state_key)
    if name is None or key is None:
        raise NotFound
    if request.method == "HEAD":
        return Response(content_type=BYTES)
    try:
        pieces = vault().open(name, key)
    except ObjectNotFound:
        _row(version_id)  # 404 when it has just gone with its workspace
        raise
    answered = Response(pieces, content_type=BYTES)
    if part == "state":
        answered.content_length = row.size
    return answered


def _row(version_id: str) -> Row[Any]:
    table = StateVersion.__table__
    row = reader().execute(select(table).where(table.c.id == version_id)).one_or_none()
    # A body takes its time, and the connection has other things to do.
    release_reader()
    if row is None:
        raise NotFound
    return row


def _upload(version_id: str, part: Part) -> None:
    before = _row(version_id)
    if before.status == DISCARDED:
        raise VersionDiscarded
    pieces = sent_pieces(settings().state_bytes)
    if part == "json-state":
        _upload_json(before, pieces)
        return
    intake = StateReader(before.md5)
    arriving = intake.tee(pieces)
    if before.status != PENDING:
        # A retry of a request whose answer was lost. Its bytes are compared, and otherwise dropped.
        for _ in arriving:
            pass
        return
    with stored_object(object_name(before.workspace_id), arriving) as state:
        taken = False
        with transaction() as session:
            workspace, version = _locked(session, before)
            if version.status == PENDING:
                accept_state(session, workspace, version, state, intake.summary)
                taken = True
            elif version.status == DISCARDED:
                raise VersionDiscarded
    if not taken:
        delete_objects([state.name])


def _upload_json(before: Row[Any], pieces: Iterator[bytes]) -> None:
    if before.json_state_object is not None:
        for _ in pieces:
            pass
        return
    with stored_object(object_name(before.workspace_id), _some(pieces)) as state:
        taken = False
        with transaction() as session:
            _, version = _locked(session, before)
            if version.status == DISCARDED:
                raise VersionDiscarded
            if version.json_state_object is None:
                accept_json_state(session, version, state)
                taken = True
    if not taken:
        delete_objects([state.name])


def _some(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces. An empty body is refused, because it is no JSON and the first upload is final."""
    first = next(pieces, b"")
    if not first:
        raise UnreadableState("The state is not valid JSON")
    yield first
    yield from pieces


def _locked(session: Session, version: Row[Any]) -> tuple[Workspace, StateVersion]:
    # Always the workspace first: lock and unlock take it, too, and two orders would wait for each other.
    workspace = session.scalars(
        select(Workspace).where(Workspace.__table__.c.id == version.workspace_id).with_for_update(),
    ).one_or_none()
    again = session.scalars(select(StateVersion).where(StateVersion.__table__.c.id == version.id)).one_or_none()
    if workspace is None or again is None:
        raise NotFound
    return workspace, again
