"""The levels of a team's access to a project, in detail (spec: team access to projects)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Value = str | bool


@dataclass(frozen=True, slots=True)
class Detail:
    """One detail: its possible values, and its value at each level.

    A boolean can have both values. ``custom`` is the value in a custom access that does not name the detail.
    """

    values: tuple[Value, ...]
    read: Value
    write: Value
    maintain: Value
    admin: Value
    custom: Value


FLAG = (False, True)

PROJECT_DETAILS: Mapping[str, Detail] = {
    "settings": Detail(("read", "update", "delete"), "read", "read", "read", "delete", "read"),
    "teams": Detail(("none", "read", "manage"), "none", "none", "none", "manage", "none"),
    "variable-sets": Detail(("none", "read", "write"), "none", "write", "write", "write", "none"),
}
WORKSPACE_DETAILS: Mapping[str, Detail] = {
    "runs": Detail(("read", "plan", "apply"), "read", "apply", "apply", "apply", "read"),
    "variables": Detail(("none", "read", "write"), "read", "write", "write", "write", "none"),
    "state-versions": Detail(("none", "read-outputs", "read", "write"), "read", "write", "write", "write", "none"),
    "sentinel-mocks": Detail(("none", "read"), "none", "read", "read", "read", "none"),
    "create": Detail(FLAG, read=False, write=False, maintain=True, admin=True, custom=False),
    "locking": Detail(FLAG, read=False, write=True, maintain=True, admin=True, custom=False),
    "delete": Detail(FLAG, read=False, write=False, maintain=True, admin=True, custom=False),
    "move": Detail(FLAG, read=False, write=False, maintain=False, admin=True, custom=False),
    "run-tasks": Detail(FLAG, read=False, write=False, maintain=True, admin=True, custom=False),
    "policy-overrides": Detail(FLAG, read=False, write=False, maintain=False, admin=False, custom=False),
}
DETAILS: Mapping[str, Detail] = {**PROJECT_DETAILS, **WORKSPACE_DETAILS}


def expanded(access: str, details: Mapping[str, Any] | None) -> dict[str, Value]:
    """All details with the values in force."""
    known = details if access == "custom" and details else {}
    return {name: known.get(name, getattr(detail, access)) for name, detail in DETAILS.items()}
