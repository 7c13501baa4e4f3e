"""What the end of a run brings about elsewhere, in the same transaction."""

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import assessment_results, auto_destroy
from app.models.background_tasks import schedule
from app.models.run_triggers import RunTrigger
from app.models.runs import APPLIED, Run
from app.models.workspaces import Workspace

START_TRIGGERED_RUN: Final = "start-triggered-run"


def follow_end(session: Session, workspace: Workspace, run: Run) -> None:
    """After the run has ended and released its lock."""
    if run.status == APPLIED:
        _schedule_triggered(session, run)
    if run.trigger_reason == assessment_results.REASON:
        payload = {"run_id": run.id}
        schedule(
            session, assessment_results.READ_ASSESSMENT, payload, key=f"{assessment_results.READ_ASSESSMENT}:{run.id}"
        )
    if run.trigger_reason in auto_destroy.REASONS:
        auto_destroy.follow_end(session, workspace, run)


def _schedule_triggered(session: Session, run: Run) -> None:
    triggers = select(RunTrigger.id).where(RunTrigger.source_id == run.workspace_id).order_by(RunTrigger.created_at)
    for trigger_id in session.scalars(triggers).all():
        payload = {"trigger_id": trigger_id, "run_id": run.id}
        schedule(session, START_TRIGGERED_RUN, payload, key=f"{START_TRIGGERED_RUN}:{trigger_id}:{run.id}")
