"""Lets the task stages of runs begin and end. The machine of runs calls it, and whoever changes a part of a stage.

A stage has *parts*: what policies and run tasks say. To add a kind of part, write a class like
``stage_parts.PartKind`` and add it to ``KINDS``. Whoever changes the status of a part later calls ``settle_stage`` in
the same transaction, with the rows of the workspace and the run locked (``run_machine.lock_run``).
"""

from typing import TYPE_CHECKING, Final

from sqlalchemy import select, union
from sqlalchemy.orm import Session

from app.models import assessment_results, task_stages
from app.models.policy_evaluations import PolicyParts
from app.models.run_task_parts import RunTaskParts
from app.models.run_transitions import Event
from app.models.runs import CANCELED, DISCARDED, Run
from app.models.stage_parts import OPEN, Need, Part, PartKind
from app.models.task_stages import OF_PLANS, STAGES, TaskStage
from app.models.workspaces import Workspace

if TYPE_CHECKING:
    from app.models.run_machine import Machine

KINDS: Final[tuple[PartKind, ...]] = (PolicyParts(), RunTaskParts())


def create_stages(session: Session, workspace: Workspace, run: Run) -> None:
    """Give the new run its stages: those in which anything has a say. One statement finds that there are none.

    Clients read them once, when the run is created, and wait for each of them later. An assessment only looks, so
    nothing has a say in it.
    """
    if run.trigger_reason == assessment_results.REASON:
        return
    wanted = set(session.scalars(union(*(kind.stages(workspace) for kind in KINDS))))
    for name in OF_PLANS if run.plan_only else STAGES:
        if name in wanted:
            create_stage(session, run, name)


def create_stage(session: Session, run: Run, name: str) -> TaskStage:
    """Give the run a stage, with its parts."""
    stage = TaskStage(
        organization_id=run.organization_id,
        workspace_id=run.workspace_id,
        run_id=run.id,
        stage=name,
        position=STAGES.index(name),
        status_timestamps={},
    )
    stage.enter(task_stages.PENDING)
    session.add(stage)
    session.flush()
    run.stages = [*(run.stages or []), name]
    for kind in KINDS:
        kind.add(session, run, stage)
    session.flush()
    return stage


def find_stage(session: Session, run: Run, name: str) -> TaskStage | None:
    """The stage of the run; None if it has none of this name."""
    return session.scalars(select(TaskStage).where(TaskStage.run_id == run.id, TaskStage.stage == name)).one_or_none()


def begin_stage(machine: "Machine", run: Run, name: str) -> None:
    """Begin the stage that the run has just come to; it may be over at once, and then the run goes on."""
    stage = find_stage(machine.session, run, name)
    if stage is None:
        machine.move(run, Event.COMPLETE_STAGE)
        return
    stage.enter(task_stages.RUNNING)
    for kind in KINDS:
        kind.begin(machine.session, run, stage)
    machine.session.flush()
    settle_stage(machine, run, stage)


def settle_stage(machine: "Machine", run: Run, stage: TaskStage) -> None:
    """Look at all parts of a running stage, and if all of them are over, end it and let the run go on.

    A mandatory part that says no stops the run. If all of those that say no may be overridden, the run waits for
    somebody who does: unless it only plans, or has applied already, so that nothing would follow.
    """
    if stage.status != task_stages.RUNNING:
        return
    parts = _parts(machine.session, stage)
    if any(part.status in OPEN for part in parts):
        return
    noes = [part for part in parts if part.stops]
    may_wait = not run.plan_only and stage.stage != task_stages.POST_APPLY
    if not noes:
        status, event = task_stages.PASSED, Event.COMPLETE_STAGE
    elif may_wait and all(part.is_overridable for part in noes):
        status, event = task_stages.AWAITING_OVERRIDE, Event.AWAIT_DECISION
    else:
        status, event = task_stages.FAILED, Event.FAIL_STAGE
    _end_stage(machine, run, stage, status, event)


def override_needs(session: Session, stage: TaskStage) -> list[Need]:
    """What it takes to override the stage: what each kind of part that says no needs; that of all, if none does."""
    noes = [kind for kind in KINDS if any(part.stops for part in kind.parts(session, stage))]
    return [need for kind in noes or KINDS for need in kind.override_needs(session, stage)]


def override_stage(machine: "Machine", run: Run, stage: TaskStage) -> None:
    """Let the run go on although parts of the stage say no."""
    for kind in KINDS:
        kind.override(machine.session, stage)
    _end_stage(machine, run, stage, task_stages.PASSED, Event.OVERRIDE)


def end_stages(session: Session, run: Run) -> None:
    """The run is over: what has begun is canceled, and what has not is never reached."""
    found = select(TaskStage).where(TaskStage.run_id == run.id, TaskStage.status.in_(sorted(task_stages.OPEN)))
    for stage in session.scalars(found.order_by(TaskStage.position)):
        has_begun = stage.status != task_stages.PENDING
        stage.enter(task_stages.CANCELED if has_begun else task_stages.UNREACHABLE)
    ended = task_stages.CANCELED if run.status in {CANCELED, DISCARDED} else task_stages.UNREACHABLE
    for kind in KINDS:
        kind.end(session, run, ended)


def _end_stage(machine: "Machine", run: Run, stage: TaskStage, status: str, event: Event) -> None:
    stage.enter(status)
    # The end of the run, which may follow, looks for stages that are open.
    machine.session.flush()
    machine.move(run, event)


def _parts(session: Session, stage: TaskStage) -> list[Part]:
    return [part for kind in KINDS for part in kind.parts(session, stage)]
