"""The answer of a run task."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import delete

from app.authz.permissions import P
from app.jsonapi.errors import Conflict, NotFound
from app.models.run_machine import Machine, lock_run
from app.models.run_stages import settle_stage
from app.models.run_task_parts import expect_sign, finish
from app.models.run_tasks import OPEN, RUNNING, TaskResult, TaskResultOutcome
from app.models.task_stages import TaskStage
from app.resources.runs.task_results.listing import TASK_RESULTS
from app.web.listing import ResourceObject
from app.web.policy import get_for_update, get_visible
from app.web.transaction import record_event, transaction

OUTCOMES_POINTER: Final = "/data/relationships/outcomes"


class ResultOver(Conflict):
    """The result is final: the task has answered, took too long, or the run is over."""

    code = "task-result-is-final"


def answer(result_id: str, members: dict[str, Any], outcomes: Sequence[dict[str, Any]] | None) -> ResourceObject:
    """Take what the run task says, and let its stage and its run go on if it was the last word."""
    run_id = get_visible(TaskResult, result_id, P.RUN_TASK_ANSWER).run_id
    with transaction() as session:
        locked = lock_run(session, run_id)
        if locked is None:
            raise NotFound
        workspace, run = locked
        result = get_for_update(session, TaskResult, result_id, P.RUN_TASK_ANSWER, visible_by=P.RUN_TASK_ANSWER)
        if result.status not in OPEN:
            raise ResultOver(f"The result is {result.status}, and stays so")
        before, status = result.status, members["status"]
        for name in ("message", "url"):
            if name in members:
                setattr(result, name, members[name])
        if outcomes is not None:
            # Each answer has all of them.
            session.execute(delete(TaskResultOutcome).where(TaskResultOutcome.task_result_id == result_id))
            place = {"organization_id": result.organization_id, "workspace_id": result.workspace_id}
            session.add_all(
                TaskResultOutcome(**place, task_result_id=result_id, position=position, **each)
                for position, each in enumerate(outcomes)
            )
        if status == RUNNING:
            result.enter(RUNNING)
            expect_sign(session, result)
            session.flush()
        else:
            finish(session, result, status)
            session.flush()
            stage = session.get_one(TaskStage, result.task_stage_id, populate_existing=True)
            settle_stage(Machine(session, workspace), run, stage)
        if before != status:
            record_event(session, "task-results.answer", result, {"status": [before, status]})
        session.flush()
        return TASK_RESULTS.get_resource({"id": result_id}, session)
