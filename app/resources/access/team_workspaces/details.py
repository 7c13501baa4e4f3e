"""The levels of a team's access to a workspace, in detail (spec: team access to a workspace)."""

from collections.abc import Mapping

from app.resources.access.levels import FLAG, Detail, Value

LEVELS = ("read", "plan", "write", "admin")


def _detail(values: tuple[Value, ...], *at_levels: Value, custom: Value) -> Detail:
    return Detail(values, dict(zip(LEVELS, at_levels, strict=True)), custom)


def _flag(*levels: str) -> Detail:
    return Detail(FLAG, {level: level in levels for level in LEVELS}, custom=False)


# Each detail with its possible values, its value at each level, and its default in a custom access. A boolean has the
# levels at which it is true.
DETAILS: Mapping[str, Detail] = {
    "runs": _detail(("read", "plan", "apply"), "read", "plan", "apply", "apply", custom="read"),
    "variables": _detail(("none", "read", "write"), "read", "read", "write", "write", custom="none"),
    "state-versions": _detail(
        ("none", "read-outputs", "read", "write"), "read", "read", "write", "write", custom="none"
    ),
    "sentinel-mocks": _detail(("none", "read"), "none", "none", "read", "read", custom="none"),
    "workspace-locking": _flag("write", "admin"),
    "run-tasks": _flag("admin"),
    "policy-overrides": _flag(),
}
