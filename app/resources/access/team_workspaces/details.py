"""The levels of a team's access to a workspace, in detail (spec: team access to a workspace)."""

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
    plan: Value
    write: Value
    admin: Value
    custom: Value


FLAG = (False, True)

DETAILS: Mapping[str, Detail] = {
    "runs": Detail(("read", "plan", "apply"), "read", "plan", "apply", "apply", "read"),
    "variables": Detail(("none", "read", "write"), "read", "read", "write", "write", "none"),
    "state-versions": Detail(("none", "read-outputs", "read", "write"), "read", "read", "write", "write", "none"),
    "sentinel-mocks": Detail(("none", "read"), "none", "none", "read", "read", "none"),
    "workspace-locking": Detail(FLAG, read=False, plan=False, write=True, admin=True, custom=False),
    "run-tasks": Detail(FLAG, read=False, plan=False, write=False, admin=True, custom=False),
    "policy-overrides": Detail(FLAG, read=False, plan=False, write=False, admin=False, custom=False),
}


def expanded(access: str, details: Mapping[str, Any] | None) -> dict[str, Value]:
    """All details with the values in force."""
    known = details if access == "custom" and details else {}
    return {name: known.get(name, getattr(detail, access)) for name, detail in DETAILS.items()}
