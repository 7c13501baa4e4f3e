"""What is read from a state in format 3, which Terraform 0.11 and earlier releases wrote."""

from typing import Any

from app.resources.workspaces.state_versions.json_chunks import TOO_LONG
from app.resources.workspaces.state_versions.json_events import (
    NAME_LENGTH,
    Reading,
    read_name,
    read_names,
    skip_rest,
    skip_value,
)
from app.resources.workspaces.state_versions.state_contents import ROOT, Summary, keep_resource, read_outputs


def read_old_modules(found: Summary) -> Reading:
    """The modules, which have all outputs and resources."""
    event, _ = yield
    if event != "start_array":
        yield from skip_rest(event)
        return
    counted: dict[tuple[str, ...], dict[str, Any]] = {}
    while True:
        event, _ = yield
        if event == "end_array":
            break
        if event == "start_map":
            yield from _read_module(found, counted)
        else:
            yield from skip_rest(event)
    for resource in counted.values():
        found.room_for_resources -= len(resource["module"]) + len(resource["provider"])
        keep_resource(found, resource)


def _read_module(found: Summary, counted: dict[tuple[str, ...], dict[str, Any]]) -> Reading:
    path: list[str] = []
    own = Summary(room_for_outputs=found.room_for_outputs)
    resources: list[tuple[str, str]] = []
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
    for address, provider in resources:
        mode, _, rest = address.partition(".") if address.startswith("data.") else ("", "", address)
        kind, _, name = rest.partition(".")
        # The last part may be an index.
        name = name.partition(".")[0]
        shown = f"data.{kind}" if mode else kind
        one = {"name": name, "type": shown, "count": 0, "module": module, "provider": provider}
        counted.setdefault((module, shown, name), one)["count"] += 1


def _read_resources(found: Summary) -> Reading:
    """The addresses within the module, and the providers."""
    resources: list[tuple[str, str]] = []
    event, _ = yield
    if event != "start_map":
        yield from skip_rest(event)
        return resources
    while True:
        event, address = yield
        if event == "end_map":
            return resources
        provider = yield from _read_provider()
        address = address[:NAME_LENGTH].replace("\0", "")
        found.room_for_resources -= len(address)
        if found.room_for_resources >= 0 and address != TOO_LONG:
            resources.append((address, provider))


def _read_provider() -> Reading:
    event, _ = yield
    if event != "start_map":
        yield from skip_rest(event)
        return ""
    provider = ""
    while True:
        event, key = yield
        if event == "end_map":
            return provider
        if key == "provider":
            provider = (yield from read_name()) or ""
        else:
            yield from skip_value()
