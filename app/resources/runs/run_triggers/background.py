"""Starts the runs that an apply of another workspace brings, in the background: they lock other workspaces."""

import logging
from collections.abc import Callable
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import ApiError
from app.models.background_tasks import DueTask
from app.models.run_triggers import RunTrigger
from app.models.runs import Run
from app.models.workspaces import Workspace
from app.resources.runs.configuration_versions.operations import find_latest
from app.resources.runs.runs.creation import create_run_for, record_creation

logger = logging.getLogger(__name__)

SOURCE: Final = "tfe-run-trigger"
REASON: Final = "run_trigger"


def start_triggered_run(task: DueTask) -> Callable[[Session], None]:
    """Start one run, in the transaction that removes the task. Its payload has ``trigger_id`` and ``run_id``."""

    def start(session: Session) -> None:
        trigger = session.get(RunTrigger, task.payload["trigger_id"])
        applied = session.get(Run, task.payload["run_id"])
        if trigger is None or applied is None:
            return
        columns = Workspace.__table__.c
        workspace = session.scalars(
            select(Workspace).where(columns.id == trigger.workspace_id).with_for_update(of=Workspace)
        ).one()
        version = find_latest(session, workspace.id)
        if version is None or not (workspace.queue_all_runs or _had_a_run(session, workspace.id)):
            return
        members = {
            "message": f"Started by the apply of {applied.id}",
            "auto_apply": workspace.auto_apply_run_trigger,
            "plan_only": False,
            "trigger_reason": REASON,
            "triggering_run_id": applied.id,
            "triggering_source_id": trigger.source_id,
        }
        try:
            run = create_run_for(
                session, workspace, version, members, source=SOURCE, created_by_id=None, may_apply=True
            )
        except ApiError as error:
            # Such as a workspace that runs on the machines of its users now.
            logger.info("the run trigger %s starts no run: %s", trigger.id, error.detail)
            return
        record_creation(session, run)

    return start


def _had_a_run(session: Session, workspace_id: str) -> bool:
    """Whether somebody has run the workspace before; without ``queue-all-runs`` only then others may."""
    count = (
        select(func.count())
        .select_from(Run.__table__)
        .where(Run.__table__.c.workspace_id == workspace_id, ~Run.__table__.c.plan_only)
    )
    return bool(session.scalar(count.limit(1)))
