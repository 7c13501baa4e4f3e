"""Reads a state while its bytes pass through, so that a state of 100 MB is never in memory as a whole."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import ijson

from app.jsonapi.errors import Conflict, Unprocessable
from app.resources.workspaces.state_versions.json_chunks import WholeTokenSplitter
from app.resources.workspaces.state_versions.json_events import Reading, read_name, read_scalar, skip_value
from app.resources.workspaces.state_versions.old_states import read_old_modules
from app.resources.workspaces.state_versions.state_contents import Summary, read_outputs, read_resources

# Format 3 is that of Terraform 0.11 and earlier releases: tools for migrations copy all versions of a state.
FORMATS: Final = (3, 4)
LINEAGE_LENGTH: Final = 255
# What the parser raises.
_NOT_JSON: Final = (ijson.JSONError, ValueError, ArithmeticError)


class UnreadableState(Unprocessable):
    """The body is not a state, or has a format that this service does not know."""

    code = "unreadable-state"


class DigestMismatch(Conflict):
    """The bytes that arrived do not have the announced digest."""

    code = "state-md5-mismatch"
    detail = "The MD5 parameter passed does not match the MD5 of the provided state"


class StateReader:
    """The bytes of a state on their way into the store. It computes the digest and reads the state."""

    def __init__(self, md5: str | None = None) -> None:
        """``md5`` is the announced digest; None for a state that the service itself has made."""
        self.summary = Summary()
        self._announced = md5
        self._digest = hashlib.md5(usedforsecurity=False)
        self._parser = ijson.basic_parse_coro(ijson.coroutine(_read_state)(self.summary))
        self._whole = WholeTokenSplitter()
        self._fault: str | None = None

    def tee(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces, unchanged. After the last one it raises if the state as a whole is wrong."""
        summary = self.summary
        for piece in pieces:
            summary.size += len(piece)
            self._digest.update(piece)
            self._read(piece)
            yield piece
        self._read(None)
        summary.md5 = self._digest.hexdigest()
        # Bytes that were damaged in transit are reported as such, not as an invalid state.
        if self._announced is not None and summary.md5 != self._announced:
            raise DigestMismatch
        if summary.format is not None:
            summary.encrypted = False
        elif summary.encrypted:
            # Whatever else the envelope may have.
            summary.outputs, summary.resources, summary.instances, summary.resource_count = {}, [], [], 0
            summary.modules, summary.providers = {}, {}
        if self._fault is None and summary.format not in FORMATS and not summary.encrypted:
            self._fault = "The state must have version 3 or 4, or be encrypted by OpenTofu"
        if self._fault is not None:
            raise UnreadableState(self._fault)

    def _read(self, piece: bytes | None) -> None:
        if self._fault is not None:
            return
        try:
            if piece is None:
                self._parser.close()
            else:
                for part in self._whole.within(piece):
                    self._parser.send(part)
        except UnreadableState as error:
            self._fault = str(error)
        except _NOT_JSON:
            # The parser's message quotes the text around the fault, which may be a secret.
            self._fault = "The state is not valid JSON"


class JsonReader:
    """The bytes of a state's JSON form on their way into the store."""

    def __init__(self) -> None:
        """Start before the first byte."""
        self.size = 0

    def tee(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces, unchanged. After the last one it raises if they are not JSON."""
        parser = ijson.basic_parse_coro(ijson.coroutine(_read_anything)())
        whole = WholeTokenSplitter()
        is_json = True
        # To the end in any case: what is too large is refused for that.
        for piece in pieces:
            self.size += len(piece)
            if is_json:
                try:
                    for part in whole.within(piece):
                        parser.send(part)
                except _NOT_JSON:
                    is_json = False
            yield piece
        try:
            if is_json:
                parser.close()
        except _NOT_JSON:
            is_json = False
        if not is_json:
            raise UnreadableState("The JSON form of the state is not valid JSON")


# --- the events of a whole state ------------------------------------------------------------------------------------


def _read_state(found: Summary) -> Reading:
    event, _ = yield
    if event != "start_map":
        raise UnreadableState("The state is not a JSON object")
    while True:
        event, key = yield
        if event == "end_map":
            break
        read = _MEMBERS.get(key)
        yield from skip_value() if read is None else read(found)
    yield from _read_anything()


def _read_anything() -> Reading:
    while True:
        yield


def _read_format(found: Summary) -> Reading:
    version = yield from read_scalar()
    found.format = version if type(version) is int and 0 < version < 2**31 else None


def _read_terraform_version(found: Summary) -> Reading:
    found.terraform_version = yield from read_name()


def _read_serial(found: Summary) -> Reading:
    serial = yield from read_scalar()
    found.serial = serial if type(serial) is int and 0 <= serial < 2**63 else None


def _read_lineage(found: Summary) -> Reading:
    lineage = yield from read_name()
    found.lineage = lineage if lineage and len(lineage) <= LINEAGE_LENGTH else None


def _read_encrypted_data(found: Summary) -> Reading:
    found.encrypted = isinstance((yield from read_scalar()), str)


_MEMBERS: Final[dict[str, Callable[[Summary], Reading]]] = {
    "version": _read_format,
    "terraform_version": _read_terraform_version,
    "serial": _read_serial,
    "lineage": _read_lineage,
    "encrypted_data": _read_encrypted_data,
    "outputs": read_outputs,
    "resources": read_resources,
    "modules": read_old_modules,
}
