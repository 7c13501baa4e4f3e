"""Reading values from the events of a JSON parser: generators that are sent the events of a value.

Each of them ends with the last event of the value, and returns what was read.
"""

import hashlib
from collections.abc import Generator
from typing import Any, Final

import orjson

from app.resources.workspaces.state_versions.json_chunks import TOO_LONG

NAME_LENGTH: Final = 1_000
# How many texts of a list of names are kept.
NAMES_KEPT: Final = 100
# Clients could not read a list with a value nested deeper; many parsers stop at a thousand levels.
DEPTH: Final = 200

Event = tuple[str, Any]
Reading = Generator[None, Event, Any]
STARTS: Final = frozenset({"start_map", "start_array"})
ENDS: Final = frozenset({"end_map", "end_array"})


def read_scalar() -> Reading:
    """A text, a number, a truth or null; None for other values."""
    event, value = yield
    yield from skip_rest(event)
    return None if event in STARTS else value


def read_name() -> Reading:
    """A text, cut to the length of a name; None for other values."""
    value = yield from read_scalar()
    return value[:NAME_LENGTH].replace("\0", "") if isinstance(value, str) and value != TOO_LONG else None


def read_names() -> Reading:
    """The texts of an array."""
    event, value = yield
    if event != "start_array":
        yield from skip_rest(event)
        return []
    names: list[str] = []
    while True:
        event, value = yield
        if event == "end_array":
            return names
        if isinstance(value, str) and len(names) < NAMES_KEPT:
            names.append(value[:NAME_LENGTH].replace("\0", ""))
        yield from skip_rest(event)


def read_digested(event: str, wanted: frozenset[str]) -> Reading:
    """The rest of a value that started with the event: the wanted scalars of an object, and a digest of all of it."""
    found: dict[str, Any] = {}
    if event != "start_map":
        yield from skip_rest(event)
        return found, ""
    digest = hashlib.blake2b(digest_size=8)
    depth, key = 1, None
    while depth:
        event, value = yield
        if depth == 1:
            if event == "map_key":
                key = value
            elif key in wanted and event not in STARTS | ENDS:
                found[key] = value
        if event in STARTS:
            depth += 1
        elif event in ENDS:
            depth -= 1
        # The text that stands for a long one is another one in each process.
        digest.update(f"{event}{'' if value == TOO_LONG else value!r}".encode("utf-8", "surrogatepass"))
    return found, digest.hexdigest()


def skip_value() -> Reading:
    """Skip a value."""
    event, _ = yield
    yield from skip_rest(event)


def skip_rest(event: str) -> Reading:
    """Skip the rest of a value that started with the event."""
    depth = 1 if event in STARTS else 0
    while depth:
        event, _ = yield
        if event in STARTS:
            depth += 1
        elif event in ENDS:
            depth -= 1


def read_text(room: int) -> Reading:
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
