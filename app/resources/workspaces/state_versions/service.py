"""Use cases of state versions: each checks the caller or the ticket, changes in one transaction, records its event.

A state is stored before the transaction whose row refers to it; a state that no row refers to is removed again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from app.authentication.callers import Caller
from app.authz import rules
from app.authz.permissions import P
from app.jsonapi.errors import Conflict, InvalidAttribute, NotFound, TooLarge, Unprocessable
from app.models.state_versions import DISCARDED, FINALIZED, PENDING, StateVersion
from app.models.workspace_states import Latest, latest_versions
from app.models.workspaces import Workspace
from app.persistence import AnyRow, ChangedRow, KeptStatement, NewRow, new_row, write_rows
from app.resources.workspaces.state_versions.addresses import AddressNotValid, Ticket
from app.resources.workspaces.state_versions.ingest import (
    IngestedState,
    create_with_state,
    creation_event,
    in_pieces,
    ingest,
)
from app.resources.workspaces.state_versions.instances import forget_instances
from app.resources.workspaces.state_versions.listing import STATE_VERSIONS
from app.resources.workspaces.state_versions.operations import (
    VERSIONS,
    LineageMismatch,
    SerialNotGreater,
    VersionDiscarded,
    arrived,
    check_agrees,
    check_serial,
    discarded,
    lineage_of,
    next_serial,
    pending_version,
    write_outputs,
)
from app.resources.workspaces.state_versions.serial_rewriter import rewrite_serial
from app.resources.workspaces.state_versions.state_parser import JsonReader, StateReader
from app.resources.workspaces.workspaces.locking import check_held_by
from app.services import services
from app.storage.ledger import KEPT, MarkedForDeletion, Stored
from app.storage.spare_names import line_of, new_name
from app.web.context import act_for, caller, caller_with_sources, reader, release_reader
from app.web.objects import delete_objects, stored_object
from app.web.policy import WANTED_ID, lock_row, require, row_of
from app.web.transaction import check_transaction, record_event, transaction, write

Pieces = Callable[[int], Iterator[bytes]]
"""The bytes of the request in small pieces; 413 if there are more than the limit."""


OVER = "Whoever got this address may not store states in the workspace any more; ask for a new one with a valid token"

# What uploads and downloads need, with the places at which somebody may have the right to them.
_STORED: Final = KeptStatement(
    row_of(
        StateVersion,
        *("id", "status", "md5", "size", "state_object", "state_key"),
        *("json_state_object", "json_state_key", "json_state_size"),
    )
)
# The workspace of an upload, together with the line of its new object in the ledger: see ``attach``.
_OF_UPLOAD: Final = KeptStatement(
    row_of(Workspace).add_columns(KEPT.scalar_subquery().label("kept_object")).with_for_update(of=Workspace)
)


class EncryptedState(InvalidAttribute):
    """The state was encrypted by OpenTofu, which would refuse it with another serial."""

    code = "encrypted-state"
    detail = (
        "The state is encrypted, so its serial can't be raised here; to go back to it, decrypt it, raise its serial "
        "and push it with OpenTofu"
    )
    pointer = "/data/relationships/rollback-state-version"


class OvertakenRollback(Conflict):
    """Another state version was created while the old state was copied."""

    code = "rollback-overtaken"
    detail = "Another state version was created meanwhile; read the current one and retry"


def create_state_version(workspace_id: str, members: dict[str, Any], *, is_forced: bool) -> AnyRow:
    """Create a state version, with its state or to be uploaded; the caller must hold the lock. Returns its row.

    Unless it ``is_forced``, it must follow the newest version: with a greater serial and the same lineage.
    """
    with _inline_state(workspace_id, members) as arrival, transaction() as session:
        workspace = _lock_held_workspace(session, workspace_id)
        if arrival is not None:
            check_serial(members["serial"], arrival.summary, pointer="/data/attributes/serial")
            members["lineage"] = members.get("lineage") or arrival.summary.lineage
        latest = latest_versions(session, workspace_id)
        if not is_forced:
            check_agrees(latest.arrived, members["serial"], members["md5"], members.get("lineage"))
        members = {**members, "forced": is_forced}
        if arrival is None:
            return _announce(session, workspace, latest, members)
        version = create_with_state(session, workspace, caller().user_id, members, arrival)
    return STATE_VERSIONS.get({"id": version.id})


def _announce(session: Session, workspace: AnyRow, latest: Latest, members: dict[str, Any]) -> AnyRow:
    version = pending_version(workspace, latest, caller().user_id, members)
    write(session, *discarded(latest), new_row(version), event=creation_event(version))
    previous_id = None if latest.created is None else latest.created.id
    return STATE_VERSIONS.row_of(version, previous_id=previous_id, next_id=None, output_ids=None)


def roll_back(workspace_id: str, rollback_of_id: str) -> AnyRow:
    """Make a copy of an earlier state the newest one, with the next serial in its bytes, too. Returns its row."""
    with check_transaction() as session:
        _lock_held_workspace(session, workspace_id)
        origin = session.scalars(
            select(StateVersion).where(
                StateVersion.__table__.c.id == rollback_of_id,
                StateVersion.workspace_id == workspace_id,
                StateVersion.status == FINALIZED,
            ),
        ).one_or_none()
        if origin is None or origin.state_object is None or origin.state_key is None:
            raise NotFound
        if origin.encrypted:
            raise EncryptedState
        serial = next_serial(latest_versions(session, workspace_id).arrived)
    pieces = rewrite_serial(services().vault.open(origin.state_object, origin.state_key), serial)
    with ingest(pieces) as arrival, transaction() as session:
        workspace = _lock_held_workspace(session, workspace_id)
        if next_serial(latest_versions(session, workspace_id).arrived) != serial:
            raise OvertakenRollback
        members = {
            "serial": serial,
            "md5": arrival.summary.md5,
            "lineage": origin.lineage,
            "rollback_of_id": origin.id,
        }
        version = create_with_state(session, workspace, caller().user_id, members, arrival)
    return STATE_VERSIONS.get({"id": version.id})


def stored_version(version_id: str) -> Row[Any]:
    """The row of the version, for any caller: a signed address is the permission.

    Release the reader before the bytes are transferred: that takes long, and other requests need the connection.
    """
    row: Row[Any] | None = _STORED.one_or_none(reader(), {WANTED_ID: version_id})
    if row is None:
        raise NotFound
    return row


def upload(ticket: Ticket, pieces_of: Pieces) -> None:
    """Store the state of a pending version, or its JSON form. Sending the same bytes again changes nothing.

    Whoever got the address must still have a token, the right to store states in the workspace, and its lock.
    """
    before = stored_version(ticket.version_id)
    issuer = _issuer_of(ticket, before)
    if before.status == DISCARDED:
        raise VersionDiscarded
    if ticket.part == "json-state":
        _upload_json(before, issuer, pieces_of(services().settings.state_bytes))
    elif before.status == PENDING:
        with _discarding_refused(before, issuer):
            _upload_state(before, issuer, pieces_of(services().settings.state_bytes))
    else:
        # A retry of a request whose answer was lost: its bytes are compared, not stored.
        for _ in StateReader(before.md5).tee(pieces_of(services().settings.state_bytes)):
            pass


@contextmanager
def _discarding_refused(before: Row[Any], issuer: Caller) -> Iterator[None]:
    """Discard the pending version if its state is refused for good, because a pending one keeps the workspace locked.

    Bytes that were damaged or cut on their way are not refused for good: the client may send them again.
    """
    try:
        yield
    except (TooLarge, Unprocessable, InvalidAttribute, LineageMismatch, SerialNotGreater):
        act_for(issuer)
        with transaction() as session:
            _, version = _lock(session, before)
            if version.status == PENDING:
                changes = {"status": [PENDING, DISCARDED]}
                version.status, version.intermediate = DISCARDED, False
                session.flush()
                record_event(session, "state-versions.discard", version, changes)
        raise


def _upload_state(before: Row[Any], issuer: Caller, pieces: Iterator[bytes]) -> None:
    state_reader = StateReader(before.md5)
    with _stored_upload(state_reader.tee(pieces)) as (state, spare), transaction() as session:
        workspace = _lock_for_upload(session, before, state)
        latest = latest_versions(session, workspace.id, whole=True)
        is_last = latest.created is not None and latest.created.id == before.id
        status = (latest.created if is_last else _read_again(session, before)).status
        if status == DISCARDED:
            raise VersionDiscarded
        if status == PENDING:
            _check_still_allowed(workspace, issuer)
            version, newest = latest
            check_serial(version.serial, state_reader.summary)
            lineage = lineage_of(version, newest, state_reader.summary)
            values = {"lineage": lineage, **arrived(version, newest, state, state_reader.summary)}
            _keep(session, workspace, ChangedRow(VERSIONS, values, version.id), spare)
            write_outputs(session, version, state_reader.summary)
            forget_instances(session, workspace, version.id)
    _end_upload(state, spare, is_kept=status == PENDING)


@contextmanager
def _stored_upload(pieces: Iterator[bytes]) -> Iterator[tuple[Stored, NewRow]]:
    """Store the bytes; gives the object, and a line of the ledger for the next one, to be written by ``_keep``."""
    name = services().spare_names.take(services().engines.writing)
    with stored_object(name, pieces, is_registered=True) as state:
        yield state, line_of(new_name())


def _lock_for_upload(session: Session, version: Row[Any], stored: Stored) -> AnyRow:
    """The workspace of the version, locked together with the object's line in the ledger: see ``attach``."""
    found = {WANTED_ID: version.workspace_id, "kept_object": stored.name}
    workspace = _OF_UPLOAD.one_or_none(session.connection(), found)
    if workspace is None:
        raise NotFound
    return workspace


def _read_again(session: Session, version: Row[Any]) -> AnyRow:
    """The version after its workspace was locked."""
    row = _STORED.one_or_none(session.connection(), {WANTED_ID: version.id})
    if row is None:
        raise NotFound
    return row


def _keep(session: Session, workspace: AnyRow, version: ChangedRow, spare: NewRow) -> None:
    """Write the columns that name the object, unless the sweep has marked it for deletion."""
    if workspace.kept_object is None:
        raise MarkedForDeletion(version.id)
    write_rows(session.connection(), version, spare)


def _end_upload(stored: Stored, spare: NewRow, *, is_kept: bool) -> None:
    if is_kept:
        services().spare_names.add(spare)
    else:
        delete_objects([stored.name])


def _issuer_of(ticket: Ticket, version: Row[Any]) -> Caller:
    """The caller who got the address; refused if their token is gone, or they may not store states there any more."""
    issuer = caller_with_sources("authentication-tokens", ticket.token_id) if ticket.token_id else None
    release_reader()
    if issuer is None or P.STATE_WRITE not in rules.permissions_on(issuer, StateVersion.grant_columns, version):
        raise AddressNotValid(OVER)
    return issuer


def _check_still_allowed(workspace: AnyRow, issuer: Caller) -> None:
    if P.STATE_WRITE not in rules.permissions_on(issuer, Workspace.grant_columns, workspace):
        raise AddressNotValid(OVER)
    check_held_by(workspace, issuer)


def _upload_json(before: Row[Any], issuer: Caller, pieces: Iterator[bytes]) -> None:
    if before.json_state_object is not None:
        for _ in pieces:
            pass
        return
    json_reader = JsonReader()
    with _stored_upload(json_reader.tee(pieces)) as (state, spare), transaction() as session:
        workspace = _lock_for_upload(session, before, state)
        version = _read_again(session, before)
        if version.status == DISCARDED:
            raise VersionDiscarded
        if version.json_state_object is None:
            _check_still_allowed(workspace, issuer)
            values = {"json_state_object": state.name, "json_state_key": state.key, "json_state_size": json_reader.size}
            _keep(session, workspace, ChangedRow(VERSIONS, values, version.id), spare)
    _end_upload(state, spare, is_kept=version.json_state_object is None)


def _lock(session: Session, version: Row[Any]) -> tuple[Workspace, StateVersion]:
    # Always lock the workspace first: locking and unlocking it do so, too, and another order could deadlock.
    workspace = session.scalars(
        select(Workspace).where(Workspace.__table__.c.id == version.workspace_id).with_for_update(),
    ).one_or_none()
    again = session.scalars(select(StateVersion).where(StateVersion.__table__.c.id == version.id)).one_or_none()
    if workspace is None or again is None:
        raise NotFound
    return workspace, again


@contextmanager
def _inline_state(workspace_id: str, members: dict[str, Any]) -> Iterator[IngestedState | None]:
    """Store the state that was sent as an attribute, and remove it from ``members``; None if it is uploaded later."""
    state, json_state = members.pop("state", None), members.pop("json_state", None)
    if state is None:
        yield None
        return
    # Check the lock before the content, and before anything is stored.
    with check_transaction() as session:
        _lock_held_workspace(session, workspace_id)
    with ingest(in_pieces(state), md5=members["md5"], json_state=json_state) as arrival:
        yield arrival


def _lock_held_workspace(session: Session, workspace_id: str) -> AnyRow:
    """The workspace; refuses a caller who does not hold its lock, or may not see versions."""
    workspace = lock_row(session, Workspace, workspace_id, P.STATE_WRITE, visible_by=P.STATE_WRITE)
    check_held_by(workspace, caller())
    require(P.STATE_READ, workspace, Workspace)
    return workspace
