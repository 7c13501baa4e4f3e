"""Use cases of configuration versions: each checks the caller or the ticket, and changes in one transaction.

An archive is stored before the transaction whose row refers to it; an archive that no row refers to is removed again.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Row, select

from app.authentication.callers import Caller
from app.authz import rules
from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.models.configuration_versions import PENDING, UPLOADED, ConfigurationVersion
from app.models.workspaces import Workspace
from app.resources.inheritance.execution_mode import LOCAL
from app.resources.runs.configuration_versions.addresses import Ticket
from app.resources.runs.configuration_versions.archive import ArchiveCheck
from app.resources.runs.configuration_versions.listing import CONFIGURATION_VERSIONS
from app.resources.runs.configuration_versions.operations import (
    AlreadyUploaded,
    accept_archive,
    archive_version,
    lock_version,
    object_name,
)
from app.resources.runs.runs.access import run_for
from app.resources.runs.runs.creation import queue_uploaded
from app.resources.runs.runs.operations import WorkspaceRunsLocally, execution_of
from app.resources.workspaces.state_versions.addresses import AddressNotValid
from app.services import services
from app.web.context import act_for, caller, caller_with_sources, reader, release_reader
from app.web.listing import ResourceObject
from app.web.objects import delete_objects, stored_object
from app.web.policy import get_for_update, get_visible, require
from app.web.transaction import created_changes, record_event, transaction

Pieces = Callable[[int], Iterator[bytes]]
"""The bytes of the request in small pieces; 413 if there are more than the limit."""

OVER: Final = (
    "Whoever got this address may not plan runs of the workspace any more; ask for a new one with a valid token"
)
AUTO_QUEUE: Final = "/data/attributes/auto-queue-runs"
DEFAULTS: Final = {"auto_queue_runs": True, "speculative": False, "provisional": False}


def create_configuration_version(workspace_id: str, sent: Mapping[str, Any], source: str) -> ResourceObject:
    """Create a version that waits for its archive."""
    members = {name: default if sent.get(name) is None else sent[name] for name, default in DEFAULTS.items()}
    with transaction() as session:
        workspace = get_for_update(session, Workspace, workspace_id, P.RUN_PLAN, share_lock=True)
        if members["auto_queue_runs"] and execution_of(session, workspace).mode == LOCAL:
            # Before anything is uploaded for nothing.
            raise WorkspaceRunsLocally(pointer=AUTO_QUEUE)
        version = ConfigurationVersion(
            organization_id=workspace.organization_id,
            workspace_id=workspace.id,
            created_by_id=caller().user_id,
            source=source,
            **members,
        )
        session.add(version)
        session.flush()
        record_event(session, "configuration-versions.create", version, created_changes(members))
        return CONFIGURATION_VERSIONS.get_resource({"id": version.id}, session)


def archive_configuration_version(version_id: str) -> None:
    """Give up the archive of a version; its runs stay, and no other can be made from it."""
    workspace_id = get_visible(ConfigurationVersion, version_id).workspace_id
    with transaction() as session:
        _, version = lock_version(session, workspace_id, version_id)
        require(P.RUN_APPLY, version)
        before = version.status
        archive_version(session, version)
        record_event(session, "configuration-versions.archive", version, {"status": [before, version.status]})


def configuration_of_run(run_id: str) -> str:
    """The id of the version that the run is made from."""
    return str(run_for(run_id, P.RUN_READ).configuration_version_id)


def open_archive(version_id: str) -> Iterator[bytes]:
    """The bytes of the archive; 404 without one."""
    row = get_visible(ConfigurationVersion, version_id)
    # Transferring a body takes long, and other requests need the connection meanwhile.
    release_reader()
    if row.archive_object is None or row.archive_key is None:
        raise NotFound
    return services().vault.open(row.archive_object, row.archive_key)


def upload(ticket: Ticket, pieces_of: Pieces) -> None:
    """Store the archive of a pending version. Sending the same bytes again changes nothing.

    Whoever got the address must still have a token and the right to plan runs of the workspace.
    """
    before = _stored_version(ticket.version_id)
    issuer = _issuer_of(ticket)
    pieces = pieces_of(services().settings.configuration_bytes)
    if before.status == PENDING:
        _upload_archive(before, issuer, pieces)
    elif before.status != UPLOADED or not _is_the_same(before, pieces):
        raise AlreadyUploaded


def _upload_archive(before: Row[Any], issuer: Caller, pieces: Iterator[bytes]) -> None:
    check = ArchiveCheck()
    with stored_object(object_name(before.workspace_id), check.tee(pieces)) as archive:
        taken = False
        act_for(issuer)
        with transaction() as session:
            workspace, version = lock_version(session, before.workspace_id, before.id)
            if not rules.holds(issuer, P.RUN_PLAN, workspace):
                raise AddressNotValid(OVER)
            if version.status == PENDING:
                accept_archive(session, version, archive, check.size)
                changes = {"status": [PENDING, UPLOADED], "size": [None, check.size]}
                record_event(session, "configuration-versions.upload", version, changes)
                if version.auto_queue_runs:
                    queue_uploaded(session, workspace, version, issuer)
                taken = True
    if not taken:
        # The same address was used twice at once; the first one counts.
        delete_objects([archive.name])
        raise AlreadyUploaded


def _is_the_same(before: Row[Any], pieces: Iterable[bytes]) -> bool:
    """Whether a retry of a request whose answer was lost sends what is stored."""
    sent = _digest(pieces)
    return sent == _digest(services().vault.open(before.archive_object, before.archive_key))


def _digest(pieces: Iterable[bytes]) -> bytes:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()


def _stored_version(version_id: str) -> Row[Any]:
    table = ConfigurationVersion.__table__
    row = reader().execute(select(table).where(table.c.id == version_id)).one_or_none()
    release_reader()
    if row is None:
        raise NotFound
    return row


def _issuer_of(ticket: Ticket) -> Caller:
    """The caller who got the address; refused if their token is gone, or they may not plan there any more."""
    issuer = caller_with_sources("authentication-tokens", ticket.token_id) if ticket.token_id else None
    if issuer is None:
        raise AddressNotValid(OVER)
    key = ConfigurationVersion.__table__.c.id
    allowed = select(key).where(key == ticket.version_id, rules.where(issuer, P.RUN_PLAN, ConfigurationVersion))
    is_allowed = reader().execute(allowed).one_or_none() is not None
    release_reader()
    if not is_allowed:
        raise AddressNotValid(OVER)
    return issuer
