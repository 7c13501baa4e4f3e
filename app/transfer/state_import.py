"""Carrying state versions: which of a history are lacking, and adding one with its serial and lineage."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from app.jsonapi.errors import ApiError
from app.resources.workspaces.state_versions.carrying import HistoryEnd, carry_state, end_of_history
from app.resources.workspaces.state_versions.state_contents import Summary
from app.resources.workspaces.state_versions.state_parser import StateReader
from app.transfer.inside import operator
from app.transfer.records import Source
from app.web.context import act_without_request

OTHER_HISTORY: Final = (
    "the workspace has states of another history: its newest one, with serial {}, is none of those that would come. "
    "Nothing is overwritten; import into an empty workspace, or delete this one first"
)


class StatesRefused(Exception):
    """The states of a workspace are not carried. The text says why."""


class StateImport:
    """Adds states to workspaces of this service."""

    def __init__(self, state_bytes: int) -> None:
        """No state may be larger than this."""
        self._state_bytes = state_bytes
        self._ends: dict[str, HistoryEnd | None] = {}

    def lacking(
        self, workspace_id: str, versions: Sequence[dict[str, Any]], source: Source
    ) -> Sequence[dict[str, Any]]:
        """Those versions of the source that come after the newest one that is there."""
        end = self._ends[workspace_id] = end_of_history(workspace_id)
        if end is None:
            return versions
        same = [index for index, version in enumerate(versions) if version["serial"] == end.serial]
        if same:
            later = versions[same[-1] + 1 :]
            if later or "md5" in versions[same[-1]]:
                self._check_same(end, versions[same[-1]], source)
            return later
        if versions[-1]["serial"] < end.serial:
            self._check_lineage(end, versions[-1], source)
            return ()
        later = [version for version in versions if version["serial"] > end.serial]
        self._check_lineage(end, later[0], source)
        return later

    def add(self, workspace_id: str, version: Mapping[str, Any], source: Source) -> None:
        """Add one of those that are lacking after the one before, in one transaction with its event."""
        act_without_request(operator())
        try:
            with source.state(version) as pieces:
                after, serial = self._ends[workspace_id], int(version["serial"])
                self._ends[workspace_id] = carry_state(workspace_id, serial, self._bounded(pieces), after)
        except ApiError as error:
            raise StatesRefused(f"serial {version['serial']}: {str(error.detail).rstrip('.')}") from error

    def _check_same(self, end: HistoryEnd, version: Mapping[str, Any], source: Source) -> None:
        """The version with the serial of the newest one that is there must be the same state."""
        md5 = version.get("md5") or self._read(version, source).md5
        if md5 != end.md5:
            raise StatesRefused(OTHER_HISTORY.format(end.serial))

    def _check_lineage(self, end: HistoryEnd, version: Mapping[str, Any], source: Source) -> None:
        lineage = version.get("lineage") or self._read(version, source).lineage
        if not lineage or lineage != end.lineage:
            raise StatesRefused(OTHER_HISTORY.format(end.serial))

    def _read(self, version: Mapping[str, Any], source: Source) -> Summary:
        reader = StateReader()
        try:
            with source.state(version) as pieces:
                for _ in reader.tee(self._bounded(pieces)):
                    pass
        except ApiError as error:
            raise StatesRefused(f"serial {version['serial']}: {error.detail}") from error
        return reader.summary

    def _bounded(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        size = 0
        for piece in pieces:
            size += len(piece)
            if size > self._state_bytes:
                raise StatesRefused(f"a state is larger than {self._state_bytes:,} bytes")
            yield piece
