"""Assesses workspaces once a day, and reads what the runs have found, in the background."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jsonapi.errors import ApiError
from app.models.assessment_notices import tell_assessment
from app.models.assessment_results import AssessmentResult
from app.models.background_tasks import DueTask
from app.models.plans import Plan
from app.models.runs import CANCELED, PLANNED_AND_FINISHED, Run
from app.models.workspaces import Workspace
from app.persistence import now
from app.persistence.database import new_session
from app.resources.runs.assessment_results.operations import check_assessable, due_workspaces, start_assessment
from app.resources.runs.assessment_results.reading import findings
from app.resources.runs.runs.creation import record_creation
from app.services import services
from app.web.transaction import transaction

logger = logging.getLogger(__name__)

# Started in one look, once a minute: the agents have other work, too.
AT_ONCE: Final = 20
# A larger plan is not read: it would take the memory of the worker.
LARGEST: Final = 128 * 2**20


def start_due_assessments(_task: DueTask) -> None:
    """Start the assessments that are due."""
    with new_session() as session:
        due = list(session.scalars(due_workspaces(AT_ONCE)))
    count = sum(_start(workspace_id) for workspace_id in due)
    if count:
        logger.info("started %d assessments", count)


def _start(workspace_id: str) -> bool:
    columns = Workspace.__table__.c
    with transaction() as session:
        workspace = session.scalars(
            select(Workspace).where(columns.id == workspace_id).with_for_update(of=Workspace)
        ).one_or_none()
        if workspace is None:
            return False
        try:
            check_assessable(session, workspace)
            run = start_assessment(session, workspace, created_by_id=None)
        except ApiError as error:
            # Such as a workspace that runs on the machines of its users: it is looked at again after a day.
            workspace.assessed_at = now()
            logger.info("the workspace %s is not assessed: %s", workspace_id, error.detail)
            return False
        record_creation(session, run)
        return True


def read_assessment(task: DueTask) -> Callable[[Session], None] | None:
    """Read what the run has found; the result is stored in the transaction that removes the task."""
    run_id: str = task.payload["run_id"]
    with new_session() as session:
        row = session.execute(
            select(Run.status, Plan.json_object, Plan.json_key)
            .join(Plan, Plan.run_id == Run.__table__.c.id)
            .where(Run.__table__.c.id == run_id)
        ).one_or_none()
    if row is None or row.status == CANCELED:
        return None
    found = _read(row.status, row.json_object, row.json_key)
    return lambda session: _store(session, run_id, found)


def _read(status: str, name: str | None, key: str | None) -> dict[str, Any]:
    if status != PLANNED_AND_FINISHED or name is None or key is None:
        return _failed("The run that assesses has failed; its log says why")
    content = bytearray()
    for piece in services().vault.open(name, key):
        content += piece
        if len(content) > LARGEST:
            return _failed(f"The plan is larger than {LARGEST // 2**20} MiB, so it was not looked through")
    return findings(orjson.loads(content))


def _failed(message: str) -> dict[str, Any]:
    return {"succeeded": False, "error_message": message}


def _store(session: Session, run_id: str, found: Mapping[str, Any]) -> None:
    run = session.get(Run, run_id)
    if run is None:
        return
    workspace = session.scalars(
        select(Workspace).where(Workspace.__table__.c.id == run.workspace_id).with_for_update(of=Workspace)
    ).one()
    before = (
        session.get(AssessmentResult, workspace.current_assessment_result_id)
        if workspace.current_assessment_result_id
        else None
    )
    result = AssessmentResult(
        organization_id=run.organization_id, workspace_id=run.workspace_id, run_id=run.id, **found
    )
    session.add(result)
    session.flush()
    workspace.current_assessment_result_id, workspace.last_assessment_result_at = result.id, result.created_at
    session.flush()
    tell_assessment(session, workspace, result, before)
