"""What a state in terraform's JSON form has: its resources, what changed between two, and what depends on what."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.console.plan_changes import ABSENT, SENSITIVE, AttributeChange, ResourceChange, shown_value

# Providers mark most secret attributes, but not all; what has such a name is never shown.
SECRET_NAME: Final = re.compile(
    "password|passwd|secret|token|private_?key|credential|connection_string|access_key", re.IGNORECASE
)

# What a state says about the types of values, which is no secret even inside of one.
TYPE_NAMES: Final = frozenset({"string", "number", "bool", "object", "list", "map", "set", "tuple", "dynamic"})


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance of a resource: its address, its attributes, and the names of those that are sensitive."""

    address: str
    attributes: Mapping[str, Any]
    sensitive: frozenset[str]


@dataclass(frozen=True, slots=True)
class Node:
    """A resource in the picture, with its place."""

    address: str
    label: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Group:
    """The frame around the resources of a module."""

    name: str
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Picture:
    """The resources of a state and their dependencies, with places for all."""

    nodes: Sequence[Node]
    lines: Sequence[tuple[Node, Node]]
    groups: Sequence[Group]
    width: int
    height: int


WIDTH: Final = 250
HEIGHT: Final = 30
GAP_X: Final = 70
GAP_Y: Final = 14
TITLE: Final = 26
LABEL: Final = 32
DRAWN: Final = 300


def instances_of(state: Mapping[str, Any]) -> Iterator[Instance]:
    """The instances of a state, in its order. What is in an unknown form is left out."""
    for resource in state.get("resources", ()):
        for each in resource.get("instances", ()):
            attributes = each.get("attributes")
            if isinstance(attributes, dict):
                yield Instance(_address(resource, each), attributes, _sensitive(each, attributes))


def _resource_address(resource: Mapping[str, Any]) -> str:
    data = "data." if resource.get("mode") == "data" else ""
    name = f"{data}{resource.get('type', '')}.{resource.get('name', '')}"
    return f"{resource['module']}.{name}" if resource.get("module") else name


def _address(resource: Mapping[str, Any], instance: Mapping[str, Any]) -> str:
    key = instance.get("index_key")
    index = "" if key is None else f'["{key}"]' if isinstance(key, str) else f"[{key}]"
    return f"{_resource_address(resource)}{index}"


def _sensitive(instance: Mapping[str, Any], attributes: Mapping[str, Any]) -> frozenset[str]:
    marked = {
        str(path[0].get("value"))
        for path in instance.get("sensitive_attributes") or ()
        if isinstance(path, list) and path and isinstance(path[0], dict)
    }
    return frozenset(marked | {name for name in attributes if SECRET_NAME.search(name)})


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[ResourceChange]:
    """The instances that were added, changed or removed, with the attributes that differ."""
    before = {each.address: each for each in instances_of(old)}
    after = {each.address: each for each in instances_of(new)}
    secrets = secrets_of(old) | secrets_of(new)
    found = []
    for address in sorted({*before, *after}):
        one, other = before.get(address), after.get(address)
        attributes = list(_attributes(one, other, secrets))
        if one is None:
            found.append(ResourceChange(address, "+", "added", "", attributes))
        elif other is None:
            found.append(ResourceChange(address, "\N{MINUS SIGN}", "removed", "", attributes))
        elif attributes:
            found.append(ResourceChange(address, "~", "changed", "", attributes))
    return found


def secrets_of(state: Mapping[str, Any]) -> frozenset[str]:
    """The texts in sensitive attributes and outputs, which may stand in other attributes without a mark."""
    marked = [
        each.attributes[name] for each in instances_of(state) for name in each.sensitive if name in each.attributes
    ]
    outputs = state.get("outputs") or {}
    marked += [each.get("value") for each in outputs.values() if isinstance(each, dict) and each.get("sensitive")]
    return frozenset(text for value in marked for text in _texts(value)) - TYPE_NAMES


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        # An empty text would stand in every other.
        yield from [value] if value else []
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def _attributes(one: Instance | None, other: Instance | None, secrets: frozenset[str]) -> Iterator[AttributeChange]:
    before, after = one.attributes if one else {}, other.attributes if other else {}
    hidden = (one.sensitive if one else frozenset()) | (other.sensitive if other else frozenset())
    for name in sorted({*before, *after}):
        old, new = before.get(name, ABSENT), after.get(name, ABSENT)
        if old == new:
            continue
        if name in hidden or not secrets.isdisjoint([*_texts(old), *_texts(new)]):
            yield AttributeChange(name, SENSITIVE if one else None, SENSITIVE if other else None)
        else:
            yield AttributeChange(name, shown_value(old), shown_value(new))


def picture_of(state: Mapping[str, Any]) -> Picture | None:
    """The picture of a state, with what depends on nothing at the left; None if it has too many resources for one."""
    resources = {_resource_address(each): each for each in state.get("resources", ()) if each.get("mode") != "data"}
    if not 0 < len(resources) <= DRAWN:
        return None
    needs = {address: _needed(each, resources.keys()) - {address} for address, each in resources.items()}
    columns = _columns(needs)
    nodes: dict[str, Node] = {}
    groups = []
    y = 0
    for module in sorted({str(each.get("module") or "") for each in resources.values()}):
        own = [address for address, each in resources.items() if str(each.get("module") or "") == module]
        filled: dict[int, int] = {}
        for address in own:
            column = columns[address]
            row = filled[column] = filled.get(column, -1) + 1
            label = address.removeprefix(f"{module}.") if module else address
            label = label if len(label) <= LABEL else f"{label[: LABEL - 1]}…"
            x = GAP_X // 2 + column * (WIDTH + GAP_X)
            nodes[address] = Node(address, label, x, y + TITLE + GAP_Y + row * (HEIGHT + GAP_Y))
        height = TITLE + GAP_Y + (max(filled.values()) + 1) * (HEIGHT + GAP_Y)
        groups.append(Group(module or "root module", y, height))
        y += height + GAP_Y
    lines = [(nodes[needed], nodes[address]) for address, found in needs.items() for needed in sorted(found)]
    width = (max(columns.values()) + 1) * (WIDTH + GAP_X)
    return Picture(list(nodes.values()), lines, groups, width, y)


def _needed(resource: Mapping[str, Any], known: Any) -> set[str]:  # noqa: ANN401 - a view of keys
    listed = (each.get("dependencies") or () for each in resource.get("instances", ()))
    return {needed for dependencies in listed for needed in dependencies if needed in known}


def _columns(needs: Mapping[str, set[str]]) -> dict[str, int]:
    """One more than the largest of what a resource needs. A circle, which terraform never writes, ends after all."""
    columns = dict.fromkeys(needs, 0)
    for _ in needs:
        wanted = {address: 1 + max((columns[each] for each in found), default=-1) for address, found in needs.items()}
        if wanted == columns:
            break
        columns = wanted
    return columns
