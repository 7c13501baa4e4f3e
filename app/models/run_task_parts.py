"""Results of run tasks as parts of task stages, and how long they may take."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Text, and_, cast, exists, literal, or_, select, union_all
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.models import run_tasks
from app.models.background_tasks import schedule, withdraw
from app.models.run_tasks import MANDATORY, OPEN, PASSED, PENDING, RunTask, TaskResult, WorkspaceTask
from app.models.runs import Run
from app.models.stage_parts import OVERRIDDEN, Need, Part
from app.models.task_stages import POST_PLAN, STAGES, TaskStage
from app.models.workspaces import Workspace
from app.persistence import Expression, now

REQUEST: Final = "request-run-task"
"""The kind of the background tasks that send a request."""
EXPIRE: Final = "expire-run-task"
"""The kind of those that end a result which nobody has given."""

# As HCP Terraform has it: until the next sign of life, and in all.
SILENCE: Final = timedelta(minutes=10)
LONGEST: Final = timedelta(minutes=60)
# Workers look every few seconds. If they are so late, there were none.
LATE: Final = timedelta(minutes=1)

# What it takes to override a result: all of these, and for one that the organization demands one of those.
OVERRIDE_NEEDS: Final[Sequence[Need]] = ((P.WORKSPACE_MANAGE_RUN_TASKS,), (P.RUN_APPLY,))
OVERRIDE_DEMANDED: Final[Need] = (P.RUN_TASK_MANAGE, P.RUN_OVERRIDE_POLICIES)

_TASK, _OF_WORKSPACE = RunTask.__table__, WorkspaceTask.__table__
_NAMES: Final = union_all(*(select(literal(name).label("stage")) for name in STAGES)).subquery("stage_names")


class RunTaskParts:
    """What run tasks say, in each stage that a workspace, or the organization for all of them, has chosen."""

    def stages(self, workspace: Workspace) -> Select[str]:
        """The stages in which an enabled run task of the workspace, or a global one, is asked."""
        of_workspace = exists().where(
            _OF_WORKSPACE.c.workspace_id == workspace.id,
            _TASK.c.id == _OF_WORKSPACE.c.task_id,
            _TASK.c.enabled,
            _has(_OF_WORKSPACE.c.stages, _NAMES.c.stage),
        )
        of_all = exists().where(_is_global(workspace.organization_id), _has(_TASK.c.global_stages, _NAMES.c.stage))
        return select(_NAMES.c.stage).where(or_(of_workspace, of_all))

    def add(self, session: Session, run: Run, stage: TaskStage) -> None:
        """A pending result of each run task. If a task is chosen twice, the stricter choice counts."""
        found = (
            select(_TASK, _OF_WORKSPACE.c.id.label("workspace_task_id"), _OF_WORKSPACE.c.stages, _LEVEL)
            .outerjoin(
                _OF_WORKSPACE,
                and_(_OF_WORKSPACE.c.task_id == _TASK.c.id, _OF_WORKSPACE.c.workspace_id == run.workspace_id),
            )
            .where(
                _TASK.c.organization_id == run.organization_id,
                _TASK.c.enabled,
                or_(_TASK.c.global_enabled, _OF_WORKSPACE.c.id.is_not(None)),
            )
            .order_by(_TASK.c.name)
        )
        for row in session.execute(found):
            levels = []
            if stage.stage in (row.stages or ()):
                levels.append(row.level)
            if row.global_enabled and stage.stage in row.global_stages:
                levels.append(row.global_enforcement_level)
            if not levels:
                continue
            result = TaskResult(
                organization_id=run.organization_id,
                workspace_id=run.workspace_id,
                run_id=run.id,
                task_stage_id=stage.id,
                task_id=row.id,
                workspace_task_id=row.workspace_task_id,
                task_name=row.name,
                task_url=row.url,
                enforcement_level=MANDATORY if MANDATORY in levels else levels[0],
                status_timestamps={},
            )
            result.enter(PENDING)
            session.add(result)

    def begin(self, session: Session, run: Run, stage: TaskStage) -> None:  # noqa: ARG002 - as the protocol has it
        """Have every task asked, and end those that take too long. One that was asked must give signs, too."""
        for result in _of_stage(session, stage):
            schedule(session, REQUEST, {"id": result.id}, key=f"{REQUEST} {result.id}")
            _expire(session, result, "limit", now() + LONGEST)

    def parts(self, session: Session, stage: TaskStage) -> Sequence[Part]:
        """The results of the stage. Only after the plan is there a status, known to clients, in which a run waits."""
        return [
            Part(
                OVERRIDDEN if each.is_overridden else each.status,
                is_mandatory=each.enforcement_level == MANDATORY,
                is_overridable=stage.stage == POST_PLAN,
            )
            for each in _of_stage(session, stage)
        ]

    def override_needs(self, session: Session, stage: TaskStage) -> Sequence[Need]:
        """To manage the workspace's run tasks and to apply, because the run may go on to its apply by itself.

        The organization has the last word on what it demands of all workspaces.
        """
        of_stage = TaskStage.__table__.c.id == stage.id
        is_demanded = session.scalar(select(is_demanded_of_all()).where(of_stage))
        return [*OVERRIDE_NEEDS, *([OVERRIDE_DEMANDED] if is_demanded else [])]

    def override(self, session: Session, stage: TaskStage) -> None:
        """Mark the results that say no as overridden; their statuses tell what they said."""
        for each in _of_stage(session, stage):
            if Part(each.status, is_mandatory=each.enforcement_level == MANDATORY).stops:
                each.is_overridden = True

    def end(self, session: Session, run: Run, status: str) -> None:
        """End the results that are open."""
        found = select(TaskResult).where(TaskResult.run_id == run.id, TaskResult.status.in_(sorted(OPEN)))
        for each in session.scalars(found):
            finish(session, each, status)


def is_demanded_of_all() -> ColumnElement[bool]:
    """Whether a result of the stage says no that the organization demands of all workspaces, as of now.

    It is asked now, and of the organization alone: whoever manages a workspace can change its own choice at any time.
    """
    result, stage = TaskResult.__table__.c, TaskStage.__table__
    return (
        exists()
        .where(
            result.task_stage_id == stage.c.id,
            result.enforcement_level == MANDATORY,
            result.status.not_in(sorted(OPEN | {PASSED})),
            _TASK.c.id == result.task_id,
            _is_global(result.organization_id),
            _TASK.c.global_enforcement_level == MANDATORY,
            _has(_TASK.c.global_stages, stage.c.stage),
        )
        .correlate(stage)
    )


def finish(
    session: Session, result: TaskResult, status: str, message: str | None = None, *, done_by: str | None = None
) -> None:
    """End a result, and what waits for it. ``done_by`` is the key of the background task that does it, if one does."""
    result.enter(status)
    if message is not None:
        result.message = message
    for key in (f"{REQUEST} {result.id}", _key(result.id, "silence"), _key(result.id, "limit")):
        if key != done_by:
            withdraw(session, key)


def expect_sign(session: Session, result: TaskResult) -> None:
    """From the last change of the result on, wait for the next sign of life of the task, and no longer than that."""
    _expire(session, result, "silence", result.updated_at + SILENCE)


def has_given_sign(result: TaskResult) -> bool:
    """Whether the task was heard of lately."""
    return result.updated_at + SILENCE > now()


def is_late(payload: Mapping[str, Any]) -> bool:
    """Whether the end of a result comes too late to count: no worker ran, so maybe the task could not be heard.

    An end that was put off is never late.
    """
    return "due" in payload and datetime.fromisoformat(payload["due"]) + LATE < now()


def put_off(session: Session, result: TaskResult, reason: str) -> None:
    """Give the task once more the time until the next sign of life."""
    payload = {"id": result.id, "reason": reason}
    schedule(session, EXPIRE, payload, key=_key(result.id, reason), run_at=now() + SILENCE, replace=True)


def message_of(reason: str) -> str:
    """What is said of a result that nobody has given."""
    if reason == "silence":
        return f"The run task gave no sign for {SILENCE.seconds // 60} minutes"
    return f"The run task did not finish within {LONGEST.seconds // 60} minutes"


def _expire(session: Session, result: TaskResult, reason: str, due: datetime) -> None:
    payload = {"id": result.id, "reason": reason, "due": due.isoformat()}
    schedule(session, EXPIRE, payload, key=_key(result.id, reason), run_at=due, replace=True)


def _key(result_id: str, reason: str) -> str:
    return f"{EXPIRE} {reason} {result_id}"


def _of_stage(session: Session, stage: TaskStage) -> Sequence[TaskResult]:
    found = select(TaskResult).where(TaskResult.task_stage_id == stage.id)
    return session.scalars(found.order_by(TaskResult.task_name, run_tasks.TaskResult.__table__.c.id)).all()


def _is_global(organization_id: str | Expression) -> ColumnElement[bool]:
    return and_(_TASK.c.organization_id == organization_id, _TASK.c.enabled, _TASK.c.global_enabled)


def _has(stages: Expression, name: Expression) -> ColumnElement[bool]:
    """Whether the JSON list of stages has this name, none of which is a part of another one."""
    return cast(stages, Text).like(literal('%"') + name + literal('"%'))


_LEVEL = _OF_WORKSPACE.c.enforcement_level.label("level")
