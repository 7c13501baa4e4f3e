"""Storing states that are sent inside a document or made by the service: first in the store, then in the database."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.models.state_versions import StateVersion
from app.models.workspace_states import latest_versions
from app.persistence import AnyRow, NewRow, new_row
from app.resources.workspaces.state_versions.instances import forget_instances
from app.resources.workspaces.state_versions.operations import (
    arrived,
    discarded,
    pending_version,
    write_outputs,
)
from app.resources.workspaces.state_versions.state_contents import Summary
from app.resources.workspaces.state_versions.state_parser import JsonReader, StateReader
from app.storage.ledger import Stored, attach
from app.storage.spare_names import new_name
from app.web.objects import stored_object
from app.web.requests import PIECE
from app.web.transaction import Recorded, created_changes, write


@dataclass(frozen=True, slots=True)
class IngestedState:
    """A state that is in the store already, and that no row refers to yet."""

    summary: Summary
    state: Stored
    json_state: Stored | None
    json_size: int = 0


@contextmanager
def ingest(
    pieces: Iterable[bytes], *, md5: str | None = None, json_state: bytes | None = None
) -> Iterator[IngestedState]:
    """Store the state; remove it again if the block raises. ``md5`` is the announced digest, if there was one."""
    intake = StateReader(md5)
    with stored_object(new_name(), intake.tee(pieces)) as state:
        if not json_state:
            yield IngestedState(intake.summary, state, None)
            return
        with stored_object(new_name(), JsonReader().tee(in_pieces(json_state))) as stored_json:
            yield IngestedState(intake.summary, state, stored_json, len(json_state))


def in_pieces(content: bytes) -> Iterator[bytes]:
    """The content as an iterator of small pieces."""
    view = memoryview(content)
    return (bytes(view[start : start + PIECE]) for start in range(0, len(content), PIECE))


def create_with_state(
    session: Session, workspace: AnyRow, author_id: str | None, members: dict[str, Any], arrival: IngestedState
) -> StateVersion:
    """Create a version whose state is in the store already; it is not in the session."""
    latest = latest_versions(session, workspace.id, whole=True)
    version = pending_version(workspace, latest, author_id, members)
    row = new_row(version)
    attach(session, arrival.state.name)
    values = arrived(version, latest.arrived, arrival.state, arrival.summary)
    if arrival.json_state is not None:
        attach(session, arrival.json_state.name)
        values |= {
            "json_state_object": arrival.json_state.name,
            "json_state_key": arrival.json_state.key,
            "json_state_size": arrival.json_size,
        }
    written = NewRow(row.table, {**row.values, **values})
    write(session, *discarded(latest), written, event=creation_event(version))
    write_outputs(session, version, arrival.summary)
    forget_instances(session, workspace, version.id)
    return version


def creation_event(version: StateVersion) -> Recorded:
    """The activity event of a new version."""
    created = {"serial": version.serial, "rollback_state_version": version.rollback_of_id}
    return "state-versions.create", version, created_changes(created)
