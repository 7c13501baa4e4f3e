"""What is kept of a state beside its bytes, and reading outputs and resources from the events of the parser."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from app.resources.workspaces.state_versions.json_chunks import TEXT_LENGTH, TOO_LONG
from app.resources.workspaces.state_versions.json_events import (
    NAME_LENGTH,
    Reading,
    read_digested,
    read_name,
    read_scalar,
    read_text,
    skip_rest,
    skip_value,
)

ROOT: Final = "root"
# Limits on the rows stored beside the state itself; a state within them is described completely. Clients read an output
# beyond them from the state.
RESOURCES_KEPT: Final = 10_000
RESOURCES_LENGTH: Final = 4_000_000
INSTANCES_KEPT: Final = 20_000
OUTPUTS_KEPT: Final = 10_000
OUTPUT_LENGTH: Final = TEXT_LENGTH
OUTPUTS_LENGTH: Final = 4_000_000
# In bytes: the unique index accepts no more than 2,700 for a whole row.
OUTPUT_NAME_BYTES: Final = 1_000

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
Index = int | str | None
_OF_INSTANCES: Final = frozenset({"index_key", "deposed"})


@dataclass(slots=True)
class Summary:
    """The facts read from a state."""

    size: int = 0
    md5: str = ""
    format: int | None = None
    serial: int | None = None
    lineage: str | None = None
    encrypted: bool = False
    """By OpenTofu: serial and lineage may be there, and nothing else can be read."""
    terraform_version: str | None = None
    resource_count: int = 0
    resources: list[dict[str, Any]] = field(default_factory=list)
    modules: Counts = field(default_factory=lambda: defaultdict(dict))
    providers: Counts = field(default_factory=lambda: defaultdict(dict))
    instances: list[tuple[int, Index, str]] = field(default_factory=list)
    """The number of the resource, the index in it, and a digest of what the instance is."""
    outputs: dict[str, Output] = field(default_factory=dict)
    # What is left of the limits. They count for the whole state, because a key may occur twice.
    room_for_resources: int = RESOURCES_LENGTH
    room_for_outputs: int = OUTPUTS_LENGTH


def read_outputs(found: Summary) -> Reading:
    """The outputs."""
    event, _ = yield
    if event != "start_map":
        yield from skip_rest(event)
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
        yield from skip_rest(event)
        return None
    output = Output(name)
    too_long = False
    while True:
        event, key = yield
        if event == "end_map":
            # Clients read the whole state for an output without a detailed type.
            return Output(name, sensitive=output.sensitive) if too_long else output
        if key == "value":
            text = yield from read_text(room)
            output.value, too_long = text or "null", too_long or text is None
        elif key == "type":
            text = yield from read_text(room)
            output.detailed_type, too_long = text or "null", too_long or text is None
        elif key == "sensitive":
            output.sensitive = (yield from read_scalar()) is True
        else:
            yield from skip_value()


def read_resources(found: Summary) -> Reading:
    """The resources."""
    event, _ = yield
    if event != "start_array":
        yield from skip_rest(event)
        return
    while True:
        event, _ = yield
        if event == "end_array":
            return
        if event == "start_map":
            yield from _resource(found)
        else:
            yield from skip_rest(event)


def _resource(found: Summary) -> Reading:
    names: dict[str, str] = {}
    instances: list[tuple[Index, str]] = []
    count = 0
    while True:
        event, key = yield
        if event == "end_map":
            break
        if key in {"mode", "type", "name", "module", "provider"}:
            names[key] = (yield from read_name()) or ""
        elif key == "instances":
            count, instances = yield from _instances()
        else:
            yield from skip_value()
    kind = names.get("type", "")
    resource = {
        "name": names.get("name", ""),
        "type": f"data.{kind}" if names.get("mode") == "data" else kind,
        "count": count,
        "module": names.get("module") or ROOT,
        "provider": names.get("provider", ""),
    }
    found.room_for_resources -= sum(len(text) for text in names.values())
    keep_resource(found, resource, instances)


def _instances() -> Reading:
    """How many instances there are, and the index and the digest of each that stands at an address."""
    event, _ = yield
    if event != "start_array":
        yield from skip_rest(event)
        return 0, []
    count = 0
    instances: list[tuple[Index, str]] = []
    while True:
        event, _ = yield
        if event == "end_array":
            return count, instances
        count += 1
        members, digest = yield from read_digested(event, _OF_INSTANCES)
        # A deposed object waits to be destroyed; another one has its address.
        if digest and "deposed" not in members and len(instances) < INSTANCES_KEPT:
            instances.append((as_index(members.get("index_key")), digest))


def as_index(value: Any) -> Index:  # noqa: ANN401 - whatever the state has
    """The index of an instance: a number, or a text that is cut to the length of a name; None for other values."""
    if isinstance(value, str):
        return value[:NAME_LENGTH].replace("\0", "") if value != TOO_LONG else ""
    return value if type(value) is int and abs(value) < 2**53 else None


def keep_resource(found: Summary, resource: dict[str, Any], instances: Sequence[tuple[Index, str]]) -> None:
    """Count the resource, and keep it and its instances within the limits."""
    kind, count = resource["type"], resource["count"]
    if not kind.startswith("data."):
        found.resource_count += count
    if len(found.resources) < RESOURCES_KEPT and found.room_for_resources >= 0:
        number = len(found.resources)
        found.resources.append(resource)
        dashed = kind.replace("_", "-")
        for counts in (found.modules[resource["module"]], found.providers[resource["provider"]]):
            counts[dashed] = counts.get(dashed, 0) + count
        for index, digest in instances:
            found.room_for_resources -= len(index) if isinstance(index, str) else 0
            if len(found.instances) < INSTANCES_KEPT and found.room_for_resources >= 0:
                found.instances.append((number, index, digest))
