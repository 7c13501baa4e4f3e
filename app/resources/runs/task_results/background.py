"""Asking run tasks, and ending results that nobody gives, as background tasks."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.models.background_tasks import DueTask, RetryLaterError
from app.models.organizations import Organization
from app.models.plans import Plan
from app.models.run_machine import Machine, lock_run
from app.models.run_stages import settle_stage
from app.models.run_task_parts import EXPIRE, expect_sign, finish, has_given_sign, is_late, message_of, put_off
from app.models.run_tasks import ERRORED, OPEN, PENDING, RUNNING, UNREACHABLE, RunTask, TaskResult
from app.models.runs import Run
from app.models.task_stages import TaskStage
from app.models.users import User
from app.models.workspaces import Workspace
from app.outbound import TOTAL_SECONDS, AddressRefused, OutboundError, post
from app.persistence import AnyRow
from app.resources.runs.task_results.payloads import headers_of, question
from app.services import services

SECONDS: Final = TOTAL_SECONDS
ATTEMPTS: Final = 4
# Clients wait for the answer, so a task that is not reached is asked again soon.
PAUSE: Final = 10.0
DELIVERY: Final = "X-Groundplan-Delivery"
ATTEMPT: Final = "X-Groundplan-Delivery-Attempt"

_RESULT: Final = TaskResult.__table__
_ASKED: Final[Select[*tuple[Any, ...]]] = (
    select(
        _RESULT.c.id,
        _RESULT.c.run_id,
        _RESULT.c.workspace_id,
        _RESULT.c.status,
        _RESULT.c.enforcement_level,
        TaskStage.stage,
        Run.plan_only,
        Run.configuration_version_id,
        Run.message.label("run_message"),
        Run.created_at.label("run_created_at"),
        Plan.__table__.c.id.label("plan_id"),
        User.username,
        Workspace.name.label("workspace_name"),
        Workspace.working_directory,
        Organization.name.label("organization_name"),
        RunTask.__table__.c.id.label("known_task"),
        RunTask.enabled,
        RunTask.url,
        RunTask.sealed_hmac_key,
    )
    .select_from(_RESULT)
    .join(TaskStage.__table__, TaskStage.__table__.c.id == _RESULT.c.task_stage_id)
    .join(Run.__table__, Run.__table__.c.id == _RESULT.c.run_id)
    .join(Plan.__table__, Plan.__table__.c.run_id == _RESULT.c.run_id)
    .join(Workspace.__table__, Workspace.__table__.c.id == _RESULT.c.workspace_id)
    .join(Organization.__table__, Organization.__table__.c.id == _RESULT.c.organization_id)
    .outerjoin(User, User.__table__.c.id == Run.created_by_id)
    .outerjoin(RunTask.__table__, RunTask.__table__.c.id == _RESULT.c.task_id)
)

Finish = Callable[[Session], None]


def request_run_task(task: DueTask) -> Finish | None:
    """Ask a run task for its result. A repeated request has the same id and the same token."""
    result_id = task.payload["id"]
    with services().engines.reading.connect() as connection:
        row = connection.execute(_ASKED.where(_RESULT.c.id == result_id)).one_or_none()
    if row is None or row.status != PENDING:
        return None
    if row.known_task is None or not row.enabled:
        return partial(_end, task, UNREACHABLE, "The run task was deleted or disabled meanwhile")
    text = _ask(task, row)
    if text is None:
        return partial(_begin, result_id)
    return partial(_end, task, UNREACHABLE, text)


def _ask(task: DueTask, row: AnyRow) -> str | None:
    """Why the task can't be reached; None if it has taken the request."""
    body = question(row)
    headers = headers_of(body, row.sealed_hmac_key) | {DELIVERY: task.id, ATTEMPT: str(task.attempt)}
    try:
        answer = post(row.url, body, headers, services().settings.outbound_private, seconds=SECONDS)
    except AddressRefused as error:
        return f"The run task could not be reached: {error}"
    except OutboundError as error:
        text = str(error)
    else:
        if answer.is_success:
            return None
        text = f"it answered {answer.status} instead of 200"
    if task.attempt < ATTEMPTS:
        raise RetryLaterError(text, PAUSE)
    return f"The run task could not be reached: {text}"


def expire_run_task(task: DueTask) -> Finish:
    """End a result that was not given in time. A sign of life that has come meanwhile counts."""
    return partial(_end, task, ERRORED, message_of(task.payload["reason"]))


def _begin(result_id: str, session: Session) -> None:
    result = session.get(TaskResult, result_id, with_for_update=True, populate_existing=True)
    # The task may have answered before this.
    if result is not None and result.status == PENDING:
        result.enter(RUNNING)
        expect_sign(session, result)


def _end(task: DueTask, status: str, message: str, session: Session) -> None:
    result_id = task.payload["id"]
    run_id = session.scalar(select(_RESULT.c.run_id).where(_RESULT.c.id == result_id))
    locked = None if run_id is None else lock_run(session, run_id)
    if locked is None:
        return
    workspace, run = locked
    result = session.get_one(TaskResult, result_id, with_for_update=True, populate_existing=True)
    if result.status not in OPEN or (task.kind == EXPIRE and _waits_on(session, result, task.payload)):
        return
    finish(session, result, status, message, done_by=task.key)
    session.flush()
    stage = session.get_one(TaskStage, result.task_stage_id, populate_existing=True)
    settle_stage(Machine(session, workspace), run, stage)


def _waits_on(session: Session, result: TaskResult, payload: Mapping[str, Any]) -> bool:
    """Whether the result does not end yet after all."""
    if payload["reason"] == "silence" and has_given_sign(result):
        expect_sign(session, result)
    elif is_late(payload):
        put_off(session, result, payload["reason"])
    else:
        return False
    return True
