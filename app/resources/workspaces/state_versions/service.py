"""Use cases of state versions: each checks the caller or the ticket, changes in one transaction, records its event.

A state is stored before the transaction whose row refers to it; a state that no row refers to is removed again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from app.authentication.callers import Caller
from app.authz import rules
from app.authz.permissions import P
from app.jsonapi.errors import Conflict, InvalidAttribute, NotFound, TooLarge, Unprocessable
from app.models.state_versions import DISCARDED, FINALIZED, PENDING, StateVersion
from app.models.workspaces import Workspace
from app.resources.workspaces.state_versions.addresses import AddressNotValid, Ticket
from app.resources.workspaces.state_versions.ingest import IngestedState, in_pieces, ingest
from app.resources.workspaces.state_versions.operations import (
    LineageMismatch,
    SerialNotGreater,
    VersionDiscarded,
    accept_json_state,
    accept_state,
    check_agrees,
    check_serial,
    create_pending,
    next_serial,
    object_name,
    settle_lineage,
)
from app.resources.workspaces.state_versions.serial_rewriter import rewrite_serial
from app.resources.workspaces.state_versions.state_parser import JsonReader, StateReader
from app.resources.workspaces.workspaces.locking import check_held_by
from app.services import services
from app.web.context import act_for, caller, caller_with_sources, reader, release_reader
from app.web.objects import delete_objects, stored_object
from app.web.policy import get_for_update
from app.web.transaction import created_changes, record_event, transaction

Pieces = Callable[[int], Iterator[bytes]]
"""The bytes of the request in small pieces; 413 if there are more than the limit."""


OVER = "Whoever got this address may not store states in the workspace any more; ask for a new one with a valid token"


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


def create_state_version(workspace_id: str, members: dict[str, Any], *, is_forced: bool) -> str:
    """Create a state version, with its state or to be uploaded; the caller must hold the lock. Returns its id.

    Unless it ``is_forced``, it must follow the newest version: with a greater serial and the same lineage.
    """
    with _inline_state(workspace_id, members) as arrival, transaction() as session:
        workspace = _lock_held_workspace(session, workspace_id)
        if arrival is not None:
            check_serial(members["serial"], arrival.summary, pointer="/data/attributes/serial")
            members["lineage"] = members.get("lineage") or arrival.summary.lineage
        if not is_forced:
            check_agrees(session, workspace_id, members["serial"], members["md5"], members.get("lineage"))
        version = create_pending(session, workspace, caller().user_id, {**members, "forced": is_forced})
        if arrival is not None:
            arrival.accept(session, workspace, version)
        _record_creation(session, version)
        return version.id


def roll_back(workspace_id: str, rollback_of_id: str) -> str:
    """Make a copy of an earlier state the newest one, with the next serial in its bytes, too. Returns the new id."""
    with transaction() as session:
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
        serial = next_serial(session, workspace_id)
    pieces = rewrite_serial(services().vault.open(origin.state_object, origin.state_key), serial)
    with ingest(workspace_id, pieces) as arrival, transaction() as session:
        workspace = _lock_held_workspace(session, workspace_id)
        if next_serial(session, workspace_id) != serial:
            raise OvertakenRollback
        members = {
            "serial": serial,
            "md5": arrival.summary.md5,
            "lineage": origin.lineage,
            "rollback_of_id": origin.id,
        }
        version = create_pending(session, workspace, caller().user_id, members)
        arrival.accept(session, workspace, version)
        _record_creation(session, version)
        return version.id


def stored_version(version_id: str) -> Row[Any]:
    """The row of the version, for any caller: a signed address is the permission. Releases the reader."""
    table = StateVersion.__table__
    row = reader().execute(select(table).where(table.c.id == version_id)).one_or_none()
    # Transferring a body takes long, and other requests need the connection meanwhile.
    release_reader()
    if row is None:
        raise NotFound
    return row


def upload(ticket: Ticket, pieces_of: Pieces) -> None:
    """Store the state of a pending version, or its JSON form. Sending the same bytes again changes nothing.

    Whoever got the address must still have a token, the right to store states in the workspace, and its lock.
    """
    before = stored_version(ticket.version_id)
    issuer = _issuer_of(ticket)
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
    with stored_object(object_name(before.workspace_id), state_reader.tee(pieces)) as state:
        taken = False
        with transaction() as session:
            workspace, version = _lock(session, before)
            if version.status == PENDING:
                _check_still_allowed(workspace, issuer)
                check_serial(version.serial, state_reader.summary)
                settle_lineage(session, version, state_reader.summary)
                accept_state(session, workspace, version, state, state_reader.summary)
                taken = True
            elif version.status == DISCARDED:
                raise VersionDiscarded
    if not taken:
        delete_objects([state.name])


def _issuer_of(ticket: Ticket) -> Caller:
    """The caller who got the address; refused if their token is gone, or they may not store states there any more."""
    issuer = caller_with_sources("authentication-tokens", ticket.token_id) if ticket.token_id else None
    if issuer is None:
        raise AddressNotValid(OVER)
    key = StateVersion.__table__.c.id
    allowed = select(key).where(key == ticket.version_id, rules.where(issuer, P.STATE_WRITE, StateVersion))
    is_allowed = reader().execute(allowed).one_or_none() is not None
    release_reader()
    if not is_allowed:
        raise AddressNotValid(OVER)
    return issuer


def _check_still_allowed(workspace: Workspace, issuer: Caller) -> None:
    if not rules.holds(issuer, P.STATE_WRITE, workspace):
        raise AddressNotValid(OVER)
    check_held_by(workspace, issuer)


def _upload_json(before: Row[Any], issuer: Caller, pieces: Iterator[bytes]) -> None:
    if before.json_state_object is not None:
        for _ in pieces:
            pass
        return
    json_reader = JsonReader()
    with stored_object(object_name(before.workspace_id), json_reader.tee(pieces)) as state:
        taken = False
        with transaction() as session:
            workspace, version = _lock(session, before)
            if version.status == DISCARDED:
                raise VersionDiscarded
            if version.json_state_object is None:
                _check_still_allowed(workspace, issuer)
                accept_json_state(session, version, state, json_reader.size)
                taken = True
    if not taken:
        delete_objects([state.name])


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
    with transaction() as session:
        _lock_held_workspace(session, workspace_id)
    with ingest(workspace_id, in_pieces(state), md5=members["md5"], json_state=json_state) as arrival:
        yield arrival


def _lock_held_workspace(session: Session, workspace_id: str) -> Workspace:
    """The workspace; refuses a caller who does not hold its lock."""
    workspace = get_for_update(session, Workspace, workspace_id, P.STATE_WRITE, visible_by=P.STATE_WRITE)
    check_held_by(workspace, caller())
    return workspace


def _record_creation(session: Session, version: StateVersion) -> None:
    created = {"serial": version.serial, "rollback_state_version": version.rollback_of_id}
    record_event(session, "state-versions.create", version, created_changes(created))
