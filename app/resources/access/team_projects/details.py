"""The levels of a team's access to a project, in detail (spec: team access to projects)."""

from collections.abc import Mapping

from app.resources.access.levels import FLAG, Detail, Value

LEVELS = ("read", "write", "maintain", "admin")


def _detail(values: tuple[Value, ...], *at_levels: Value, custom: Value) -> Detail:
    return Detail(values, dict(zip(LEVELS, at_levels, strict=True)), custom)


def _flag(*levels: str) -> Detail:
    return Detail(FLAG, {level: level in levels for level in LEVELS}, custom=False)


# Each detail with its possible values, its value at each level, and its default in a custom access. A boolean has the
# levels at which it is true.
PROJECT_DETAILS: Mapping[str, Detail] = {
    "settings": _detail(("read", "update", "delete"), "read", "read", "read", "delete", custom="read"),
    "teams": _detail(("none", "read", "manage"), "none", "none", "none", "manage", custom="none"),
    "variable-sets": _detail(("none", "read", "write"), "none", "write", "write", "write", custom="none"),
}
WORKSPACE_DETAILS: Mapping[str, Detail] = {
    "runs": _detail(("read", "plan", "apply"), "read", "apply", "apply", "apply", custom="read"),
    "variables": _detail(("none", "read", "write"), "read", "write", "write", "write", custom="none"),
    "state-versions": _detail(
        ("none", "read-outputs", "read", "write"), "read", "write", "write", "write", custom="none"
    ),
    "sentinel-mocks": _detail(("none", "read"), "none", "read", "read", "read", custom="none"),
    "create": _flag("maintain", "admin"),
    "locking": _flag("write", "maintain", "admin"),
    "delete": _flag("maintain", "admin"),
    "move": _flag("admin"),
    "run-tasks": _flag("maintain", "admin"),
    "policy-overrides": _flag(),
}
DETAILS: Mapping[str, Detail] = {**PROJECT_DETAILS, **WORKSPACE_DETAILS}
