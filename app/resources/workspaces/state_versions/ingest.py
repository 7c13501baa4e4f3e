"""Storing states that are sent inside a document or made by the service: first in the store, then in the database."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.models.state_versions import StateVersion
from app.models.workspaces import Workspace
from app.resources.workspaces.state_versions.operations import accept_json_state, accept_state, object_name
from app.resources.workspaces.state_versions.state_contents import Summary
from app.resources.workspaces.state_versions.state_parser import JsonReader, StateReader
from app.storage.ledger import Stored
from app.web.objects import stored_object
from app.web.requests import PIECE


@dataclass(frozen=True, slots=True)
class IngestedState:
    """A state that is in the store already, and that no row refers to yet."""

    summary: Summary
    state: Stored
    json_state: Stored | None
    json_size: int = 0

    def accept(self, session: Session, workspace: Workspace, version: StateVersion) -> None:
        """Attach the state to the version."""
        accept_state(session, workspace, version, self.state, self.summary)
        if self.json_state is not None:
            accept_json_state(session, version, self.json_state, self.json_size)


@contextmanager
def ingest(
    workspace_id: str, pieces: Iterable[bytes], *, md5: str | None = None, json_state: bytes | None = None
) -> Iterator[IngestedState]:
    """Store the state; remove it again if the block raises. ``md5`` is the announced digest, if there was one."""
    intake = StateReader(md5)
    with stored_object(object_name(workspace_id), intake.tee(pieces)) as state:
        if not json_state:
            yield IngestedState(intake.summary, state, None)
            return
        with stored_object(object_name(workspace_id), JsonReader().tee(in_pieces(json_state))) as stored_json:
            yield IngestedState(intake.summary, state, stored_json, len(json_state))


def in_pieces(content: bytes) -> Iterator[bytes]:
    """The content as an iterator of small pieces."""
    view = memoryview(content)
    return (bytes(view[start : start + PIECE]) for start in range(0, len(content), PIECE))
