"""What people are told about auto-destroy, through the notification configurations of the workspace."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from app.models.run_notifications import notify
from app.models.runs import Run
from app.models.workspaces import Workspace

REMINDER: Final = "workspace:auto_destroy_reminder"
RESULTS: Final = "workspace:auto_destroy_run_results"


def remind(session: Session, workspace: Workspace) -> None:
    """Tell that the workspace is destroyed soon."""
    notify(session, workspace, REMINDER, _details("reminder", auto_destroy_at=_shown(workspace.auto_destroy_due_at)))


def tell_result(session: Session, workspace: Workspace, run: Run) -> None:
    """Tell how the run that was to destroy the workspace ended."""
    told = {"run_created_at": _shown(run.created_at), "run_status": run.status, "run_external_id": run.id}
    notify(session, workspace, RESULTS, _details("results", **told))


def tell_failure(session: Session, workspace: Workspace, reason: str) -> None:
    """Tell why the run that was to destroy the workspace could not be created."""
    notify(session, workspace, RESULTS, _details("results", run_create_error_message=reason))


def _details(trigger_type: str, **told: Any) -> dict[str, Any]:  # noqa: ANN401 - values of JSON
    names = ("auto_destroy_at", "run_created_at", "run_status", "run_external_id", "run_create_error_message")
    return {"trigger_type": trigger_type, **dict.fromkeys(names), **told}


def _shown(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.isoformat(timespec='milliseconds')[:23]}Z"
