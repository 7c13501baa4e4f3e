"""Sparse fieldsets: ``fields[workspaces]=name,locked`` asks for some attributes and relationships of a type only."""

import re
from collections.abc import Mapping
from typing import Any

from app.jsonapi.errors import BadParameter
from app.jsonapi.query import Arguments, list_values

Fieldsets = Mapping[str, frozenset[str]]
_NAME = re.compile(r"(fields\[[a-z0-9-]+\])(?:\[[0-9]*\])?")


def fieldsets_of(arguments: Arguments) -> Fieldsets:
    """The names that are asked for, by type; 400 for a parameter that says no type."""
    found: dict[str, frozenset[str]] = {}
    for key in arguments:
        if not key.startswith("fields"):
            continue
        named = _NAME.fullmatch(key)
        if named is None:
            if key.partition("[")[0] != "fields":
                continue
            raise BadParameter("Fields are asked for by type: fields[workspaces]=name,locked", parameter=key)
        type_ = named[1].removeprefix("fields[").removesuffix("]")
        found[type_] = frozenset(name.replace("_", "-") for name in list_values(arguments, named[1]))
    return found


def thinned(document: Mapping[str, Any], fieldsets: Fieldsets) -> dict[str, Any]:
    """The document with those attributes and relationships alone, of the types that are named."""
    data = document["data"]
    thin = dict(document)
    thin["data"] = [_thinned(each, fieldsets) for each in data] if isinstance(data, list) else _thinned(data, fieldsets)
    if "included" in document:
        thin["included"] = [_thinned(each, fieldsets) for each in document["included"]]
    return thin


def _thinned(resource: Any, fieldsets: Fieldsets) -> Any:  # noqa: ANN401 - primary data may be null
    if not isinstance(resource, dict) or resource.get("type") not in fieldsets:
        return resource
    wanted = fieldsets[resource["type"]]
    thin = dict(resource)
    for group in ("attributes", "relationships"):
        if isinstance(resource.get(group), dict):
            thin[group] = {name: value for name, value in resource[group].items() if name.replace("_", "-") in wanted}
            if not thin[group]:
                del thin[group]
    return thin
