"""What is read from a state in format 3, which Terraform 0.11 and earlier releases wrote."""

from typing import Any, Final

from app.resources.workspaces.state_versions.json_chunks import TOO_LONG
from app.resources.workspaces.state_versions.json_events import (
    NAME_LENGTH,
    Reading,
    read_digested,
    read_names,
    skip_rest,
    skip_value,
)
from app.resources.workspaces.state_versions.state_contents import (
    ROOT,
    Index,
    Summary,
    keep_resource,
    read_outputs,
)

# How long the number of an instance may be.
DIGITS: Final = 10
_OF_RESOURCES: Final = frozenset({"provider"})
Counted = dict[tuple[str, ...], tuple[dict[str, Any], list[tuple[Index, str]]]]
"""Each resource with its instances."""


def read_old_modules(found: Summary) -> Reading:
    """The modules, which have all outputs and resources."""
    event, _ = yield
    if event != "start_array":
        yield from skip_rest(event)
        return
    counted: Counted = {}
    while True:
        event, _ = yield
        if event == "end_array":
            break
        if event == "start_map":
            yield from _read_module(found, counted)
        else:
            yield from skip_rest(event)
    for resource, instances in counted.values():
        found.room_for_resources -= len(resource["module"]) + len(resource["provider"])
        keep_resource(found, {**resource, "count": len(instances)}, instances)


def _read_module(found: Summary, counted: Counted) -> Reading:
    path: list[str] = []
    own = Summary(room_for_outputs=found.room_for_outputs)
    resources: list[tuple[str, str, str]] = []
    while True:
        event, key = yield
        if event == "end_map":
            break
        if key == "path":
            path = yield from read_names()
        elif key == "outputs":
            yield from read_outputs(own)
        elif key == "resources":
            resources = yield from _read_resources(found)
        else:
            yield from skip_value()
    if path == [ROOT]:
        found.outputs, found.room_for_outputs = own.outputs, own.room_for_outputs
        for output in found.outputs.values():
            # "list" and "map" are no types that clients of today can read.
            if output.declared != "string":
                output.detailed_type = "null"
    module = ".".join(f"module.{name}" for name in path[1:]) or ROOT
    for address, provider, digest in resources:
        mode, _, rest = address.partition(".") if address.startswith("data.") else ("", "", address)
        kind, _, name = rest.partition(".")
        name, _, index = name.partition(".")
        shown = f"data.{kind}" if mode else kind
        resource = {"name": name, "type": shown, "module": module, "provider": provider}
        _, instances = counted.setdefault((module, shown, name), (resource, []))
        number = int(index) if index.isascii() and index.isdecimal() and len(index) < DIGITS else None
        instances.append((number, digest))


def _read_resources(found: Summary) -> Reading:
    """The addresses within the module, the providers, and digests of what the resources are."""
    resources: list[tuple[str, str, str]] = []
    event, _ = yield
    if event != "start_map":
        yield from skip_rest(event)
        return resources
    while True:
        event, address = yield
        if event == "end_map":
            return resources
        event, _ = yield
        members, digest = yield from read_digested(event, _OF_RESOURCES)
        provider = members.get("provider")
        provider = provider[:NAME_LENGTH] if isinstance(provider, str) and provider != TOO_LONG else ""
        address = address[:NAME_LENGTH].replace("\0", "")
        found.room_for_resources -= len(address)
        if found.room_for_resources >= 0 and address != TOO_LONG:
            resources.append((address, provider.replace("\0", ""), digest))
        elif not address.startswith("data."):
            # What is not kept is counted all the same: a workspace with resources is not empty.
            found.resource_count += 1
