"""What terraform's plan as JSON says about drift and checks."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

COLUMNS: Final[Mapping[str, str]] = {
    "pass": "checks_passed",
    "fail": "checks_failed",
    "error": "checks_errored",
    "unknown": "checks_unknown",
}


def findings(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of the result."""
    drifted = sum(_is_drift(each) for each in plan.get("resource_drift") or ())
    values = (plan.get("prior_state") or {}).get("values") or {}
    managed = sum(1 for _ in _managed(values.get("root_module") or {}))
    checks = Counter(each.get("status") for each in plan.get("checks") or ())
    counts = {column: checks[status] for status, column in COLUMNS.items()}
    return {
        "succeeded": True,
        "drifted": drifted > 0,
        "resources_drifted": drifted,
        "resources_undrifted": max(0, managed - drifted),
        "all_checks_succeeded": counts["checks_failed"] + counts["checks_errored"] == 0,
        **counts,
    }


def _is_drift(change: Mapping[str, Any]) -> bool:
    actions = (change.get("change") or {}).get("actions")
    return change.get("mode") == "managed" and actions not in (None, [], ["no-op"])


def _managed(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    waiting = [module]
    while waiting:
        here = waiting.pop()
        yield from (each for each in here.get("resources") or () if each.get("mode") == "managed")
        waiting.extend(here.get("child_modules") or ())
