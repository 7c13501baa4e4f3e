"""What people are told about assessments, through the notification configurations of the workspace."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy.orm import Session

from app.models.assessment_results import AssessmentResult
from app.models.run_notifications import notify
from app.models.workspaces import Workspace

# What is told, and how much of it a result has.
TOLD: Final[Mapping[str, Callable[[AssessmentResult], int]]] = {
    "assessment:drifted": lambda result: result.resources_drifted or 0,
    "assessment:check_failure": lambda result: (result.checks_failed or 0) + (result.checks_errored or 0),
    "assessment:failed": lambda result: int(not result.succeeded),
}
_SHOWN: Final = (
    "id",
    "succeeded",
    "drifted",
    "all_checks_succeeded",
    "resources_drifted",
    "resources_undrifted",
    "checks_passed",
    "checks_failed",
    "checks_errored",
    "checks_unknown",
)


def tell_assessment(
    session: Session, workspace: Workspace, result: AssessmentResult, before: AssessmentResult | None
) -> None:
    """Tell what is new in the result. The same drift is not told again every day."""
    for trigger, count_of in TOLD.items():
        found = count_of(result)
        if found and (before is None or found != count_of(before)):
            details = {"new_assessment_result": _shown(result), "prior_assessment_result": before and _shown(before)}
            notify(session, workspace, trigger, details)


def _shown(result: AssessmentResult) -> dict[str, Any]:
    moment = f"{result.created_at.isoformat(timespec='milliseconds')[:23]}Z"
    address = f"/api/v2/assessment-results/{result.id}"
    return {**{name: getattr(result, name) for name in _SHOWN}, "url": address, "created_at": moment}
