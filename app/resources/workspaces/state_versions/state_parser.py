"""Reads a state while its bytes pass through, so that a state of 100 MB is never in memory as a whole."""

import hashlib
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import ijson
import orjson

from app.jsonapi.errors import Conflict, Unprocessable
from app.resources.workspaces.state_versions.json_chunks import TEXT_LENGTH, TOO_LONG, WholeTokenSplitter

FORMAT: Final = 4
ROOT: Final = "root"
# Limits on the rows stored beside the state itself; a state within them is described completely. Clients read an output
# beyond them from the state.
RESOURCES_KEPT: Final = 10_000
RESOURCES_LENGTH: Final = 4_000_000
OUTPUTS_KEPT: Final = 10_000
OUTPUT_LENGTH: Final = TEXT_LENGTH
OUTPUTS_LENGTH: Final = 4_000_000
NAME_LENGTH: Final = 1_000
# In bytes: the unique index accepts no more than 2,700 for a whole row.
OUTPUT_NAME_BYTES: Final = 1_000
# Clients could not read a list with a value nested deeper; many parsers stop at a thousand levels.
DEPTH: Final = 200

Event = tuple[str, Any]
Reading = Generator[None, Event, Any]
STARTS: Final = frozenset({"start_map", "start_array"})
ENDS: Final = frozenset({"end_map", "end_array"})
TYPES: Final = {'"': "string", "[": "array", "{": "object", "t": "boolean", "f": "boolean", "n": "string"}
TYPES_OF_TYPES: Final = {
    "string": "string",
    "number": "number",
    "bool": "boolean",
    "list": "array",
    "set": "array",
    "tuple": "array",
    "map": "object",
    "object": "object",
}


class UnreadableState(Unprocessable):
    """The body is not a state, or has a format that this service does not know."""

    code = "unreadable-state"


class DigestMismatch(Conflict):
    """The bytes that arrived do not have the announced digest."""

    code = "state-md5-mismatch"
    detail = "The MD5 parameter passed does not match the MD5 of the provided state"


@dataclass(slots=True)
class Output:
    """An output in the state; its value and type are JSON texts."""

    name: str
    value: str = "null"
    sensitive: bool = False
    detailed_type: str = "null"

    @property
    def declared(self) -> str | list[Any] | dict[str, Any] | None:
        """The type in terraform's own notation; None if the state has no valid one."""
        try:
            declared = orjson.loads(self.detailed_type)
        except orjson.JSONDecodeError:  # numbers that are too large, and not types anyway
            return None
        return declared if isinstance(declared, str | list | dict) else None

    @property
    def type(self) -> str:
        """The type in the words of the API."""
        declared = self.declared
        if isinstance(declared, list) and declared:
            declared = declared[0]
        known = TYPES_OF_TYPES.get(declared) if isinstance(declared, str) else None
        return known or TYPES.get(self.value[0], "number")


Counts = dict[str, dict[str, int]]


@dataclass(slots=True)
class Summary:
    """The facts read from a state."""

    size: int = 0
    md5: str = ""
    format: int | None = None
    terraform_version: str | None = None
    resource_count: int = 0
    resources: list[dict[str, Any]] = field(default_factory=list)
    modules: Counts = field(default_factory=lambda: defaultdict(dict))
    providers: Counts = field(default_factory=lambda: defaultdict(dict))
    outputs: dict[str, Output] = field(default_factory=dict)
    # What is left of the limits. They count for the whole state, because a key may occur twice.
    room_for_resources: int = RESOURCES_LENGTH
    room_for_outputs: int = OUTPUTS_LENGTH


class StateReader:
    """The bytes of a state on their way into the store. It computes the digest and reads the state."""

    def __init__(self, md5: str | None = None) -> None:
        """``md5`` is the announced digest; None for a state that the service itself has made."""
        self.summary = Summary()
        self._announced = md5
        self._digest = hashlib.md5(usedforsecurity=False)
        self._parser = ijson.basic_parse_coro(ijson.coroutine(_state)(self.summary))
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
        if self._fault is None and summary.format != FORMAT:
            self._fault = f"The state must have version {FORMAT}, the only format that this service reads"
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
        except (ijson.JSONError, ValueError, ArithmeticError):
            # The parser's message quotes the text around the fault, which may be a secret.
            self._fault = "The state is not valid JSON"


def checked_json(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of a state's JSON form, unchanged. After the last one it raises if they are not JSON."""
    parser = ijson.basic_parse_coro(ijson.coroutine(_anything)())
    whole = WholeTokenSplitter()
    try:
        for piece in pieces:
            for part in whole.within(piece):
                parser.send(part)
            yield piece
        parser.close()
    except (ijson.JSONError, ValueError, ArithmeticError):
        raise UnreadableState("The JSON form of the state is not valid JSON") from None


# --- the parts of a state, each a generator that is sent the events of the parser ----------------------------------


def _state(found: Summary) -> Reading:
    event, _ = yield
    if event != "start_map":
        raise UnreadableState("The state is not a JSON object")
    while True:
        event, key = yield
        if event == "end_map":
            break
        if key == "version":
            version = yield from _scalar()
            found.format = version if isinstance(version, int) and 0 < version < 2**31 else None
        elif key == "terraform_version":
            found.terraform_version = yield from _name()
        elif key == "outputs":
            yield from _outputs(found)
        elif key == "resources":
            yield from _resources(found)
        else:
            yield from _skip()
    while True:
        yield


def _anything() -> Reading:
    while True:
        yield


def _outputs(found: Summary) -> Reading:
    event, _ = yield
    if event != "start_map":
        yield from _rest(event)
        return
    while True:
        event, name = yield
        if event == "end_map":
            return
        output = yield from _output(name, min(found.room_for_outputs, OUTPUT_LENGTH))
        is_nameable = len(name.encode()) <= OUTPUT_NAME_BYTES and "\0" not in name and name != TOO_LONG
        if output is not None and is_nameable and len(found.outputs) < OUTPUTS_KEPT:
            found.room_for_outputs -= len(output.value) + len(output.detailed_type)
            found.outputs[name] = output


def _output(name: str, room: int) -> Reading:
    event, _ = yield
    if event != "start_map":
        yield from _rest(event)
        return None
    output = Output(name)
    too_long = False
    while True:
        event, key = yield
        if event == "end_map":
            # Clients read the whole state for an output without a detailed type.
            return Output(name, sensitive=output.sensitive) if too_long else output
        if key == "value":
            text = yield from _text(room)
            output.value, too_long = text or "null", too_long or text is None
        elif key == "type":
            text = yield from _text(room)
            output.detailed_type, too_long = text or "null", too_long or text is None
        elif key == "sensitive":
            output.sensitive = (yield from _scalar()) is True
        else:
            yield from _skip()


def _resources(found: Summary) -> Reading:
    event, _ = yield
    if event != "start_array":
        yield from _rest(event)
        return
    while True:
        event, _ = yield
        if event == "end_array":
            return
        if event == "start_map":
            yield from _resource(found)
        else:
            yield from _rest(event)


def _resource(found: Summary) -> Reading:
    names: dict[str, str] = {}
    count = 0
    while True:
        event, key = yield
        if event == "end_map":
            break
        if key in {"mode", "type", "name", "module", "provider"}:
            names[key] = (yield from _name()) or ""
        elif key == "instances":
            count = yield from _length()
        else:
            yield from _skip()
    is_data = names.get("mode") == "data"
    kind = names.get("type", "")
    shown_type = f"data.{kind}" if is_data else kind
    module, provider = names.get("module") or ROOT, names.get("provider", "")
    if not is_data:
        found.resource_count += count
    found.room_for_resources -= sum(len(text) for text in names.values())
    if len(found.resources) < RESOURCES_KEPT and found.room_for_resources >= 0:
        found.resources.append(
            {
                "name": names.get("name", ""),
                "type": shown_type,
                "count": count,
                "module": module,
                "provider": provider,
            },
        )
        dashed = shown_type.replace("_", "-")
        for counts in (found.modules[module], found.providers[provider]):
            counts[dashed] = counts.get(dashed, 0) + count


def _length() -> Reading:
    event, _ = yield
    if event != "start_array":
        yield from _rest(event)
        return 0
    count = 0
    while True:
        event, _ = yield
        if event == "end_array":
            return count
        count += 1
        yield from _rest(event)


def _name() -> Reading:
    value = yield from _scalar()
    return value[:NAME_LENGTH].replace("\0", "") if isinstance(value, str) and value != TOO_LONG else None


def _scalar() -> Reading:
    event, value = yield
    yield from _rest(event)
    return None if event in STARTS else value


def _skip() -> Reading:
    event, _ = yield
    yield from _rest(event)


def _rest(event: str) -> Reading:
    """Skip the rest of a value that started with the event."""
    depth = 1 if event in STARTS else 0
    while depth:
        event, _ = yield
        if event in STARTS:
            depth += 1
        elif event in ENDS:
            depth -= 1


def _text(room: int) -> Reading:
    """The JSON text of a value, with numbers digit for digit; None if it is longer than ``room`` or too deep."""
    parts: list[str] = []
    length = depth = 0
    comma = ""
    while True:
        event, value = yield
        if event in ENDS:
            depth -= 1
            part, comma = "}" if event == "end_map" else "]", ","
        elif event in STARTS:
            depth += 1
            part, comma = comma + ("{" if event == "start_map" else "["), ""
            room = room if depth <= DEPTH else -1
        elif event == "map_key":
            part, comma = f"{comma}{orjson.dumps(value).decode()}:", ""
        else:
            part, comma = comma + (str(value) if event == "number" else orjson.dumps(value).decode()), ","
        length += len(part) if value != TOO_LONG else room + 1
        if length <= room:
            parts.append(part)
        if not depth:
            return "".join(parts) if length <= room else None
