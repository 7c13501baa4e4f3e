"""Lets things happen to runs, as the table of transitions says, with all that each status brings with it.

Callers have locked the row of the workspace, then that of the run. Each function changes rows in their transaction and
does not commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from app import doorbells
from app.doorbells import want_ring
from app.models import run_phases
from app.models.agents import Agent, is_alive
from app.models.applies import Apply
from app.models.auto_destroy import INACTIVITY
from app.models.log_chunks import append_log
from app.models.plans import Plan
from app.models.run_events import RunEvent
from app.models.run_followups import follow_end
from app.models.run_jobs import (
    APPLY,
    FINISHED,
    INTERRUPT,
    KILL,
    NO_SIGNAL,
    PLAN,
    PRIORITY_APPLY,
    PRIORITY_PLAN,
    PRIORITY_PLAN_ONLY,
    QUEUED,
    RunJob,
)
from app.models.run_notifications import notify_run
from app.models.run_phases import RunPhase
from app.models.run_stages import begin_stage, create_stages, end_stages
from app.models.run_transitions import Event, find_transition, following, is_possible
from app.models.runs import (
    APPLIED,
    APPLY_QUEUED,
    APPLYING,
    CANCELED,
    DISCARDED,
    ERRORED,
    FINAL,
    PENDING,
    PLAN_QUEUED,
    PLANNED,
    PLANNED_AND_FINISHED,
    PLANNED_AND_SAVED,
    PLANNING,
    POST_APPLY_RUNNING,
    PRE_PLAN_RUNNING,
    RUNNING_STAGES,
    Run,
)
from app.models.workspace_locks import release
from app.models.workspace_states import discard_pending, promote_latest
from app.models.workspaces import Workspace
from app.persistence import now

# How long a run that was asked to stop may take before it can be stopped by force.
FORCE_CANCEL_AFTER: Final = timedelta(minutes=1)
NO_AGENT: Final = "No agent of this pool is connected; the run begins when one is"
INCOMPLETE: Final = "The agent was lost in the middle of an apply: the state of the last apply may be incomplete"

# The statuses of plan and apply in a status of the run; None where they stay, as in statuses that are not here.
_PHASES: Final[Mapping[str, tuple[str | None, str | None]]] = {
    PLAN_QUEUED: (run_phases.QUEUED, None),
    PLANNING: (run_phases.RUNNING, None),
    PLANNED: (run_phases.FINISHED, None),
    PLANNED_AND_SAVED: (run_phases.FINISHED, None),
    PLANNED_AND_FINISHED: (run_phases.FINISHED, run_phases.UNREACHABLE),
    APPLY_QUEUED: (None, run_phases.QUEUED),
    APPLYING: (None, run_phases.RUNNING),
    POST_APPLY_RUNNING: (None, run_phases.FINISHED),
    APPLIED: (None, run_phases.FINISHED),
}
# What a phase that has begun becomes when the run ends so.
_ENDED: Final[Mapping[str, str]] = {
    ERRORED: run_phases.ERRORED,
    CANCELED: run_phases.CANCELED,
    DISCARDED: run_phases.CANCELED,
}


class TransitionNotPossibleError(Exception):
    """The run's status does not allow the event."""


@dataclass(slots=True)
class Machine:
    """Moves the runs of one workspace, whose row is locked. ``actor_id`` is the user who asked for it, if any."""

    session: Session
    workspace: Workspace
    actor_id: str | None = None
    _phases: dict[str, tuple[Plan, Apply]] = field(default_factory=dict, init=False)
    _numbers: dict[str, int] = field(default_factory=dict, init=False)
    """The number of the last event of each run."""

    def create(self, run: Run) -> None:
        """Add the new run with its phases, and queue its plan if nothing is in its way."""
        last = self.session.scalar(select(func.max(Run.number)).where(Run.workspace_id == self.workspace.id))
        run.number = (last or 0) + 1
        run.status_timestamps = {}
        self.session.add(run)
        self.session.flush()
        if not run.plan_only:
            self.workspace.latest_run_id = run.id
        self._enter(run, PENDING, now())
        run.status_timestamps = {**run.status_timestamps, "plan-queueable-at": _shown(now())}
        key = {"organization_id": run.organization_id, "workspace_id": run.workspace_id, "run_id": run.id}
        self._phases[run.id] = plan, apply = Plan(**key, status_timestamps={}), Apply(**key, status_timestamps={})
        self._numbers[run.id] = 0
        self.session.add_all([plan, apply])
        self.session.flush()
        self.note(run, "created")
        create_stages(self.session, self.workspace, run)
        if run.is_speculative:
            self.begin(run)
        else:
            self.start_next()
        self.session.flush()

    def move(self, run: Run, event: Event, *, keep_lock: bool = False) -> None:
        """Let the event happen to the run: its new status, and everything that this status brings with it."""
        transition = find_transition(run, event)
        if transition is None:
            raise TransitionNotPossibleError(run.status, event)
        moment = now()
        before = run.status
        if event in {Event.CANCEL, Event.FORCE_CANCEL}:
            self._mark_canceled(run, moment)
        if transition.to is None:
            run.updated_at = moment
            self._signal(run, INTERRUPT)
            self.note(run, "cancel-requested")
            self.session.flush()
            return
        self._enter(run, transition.to, moment)
        if event is Event.FORCE_CANCEL:
            run.status_timestamps = {**run.status_timestamps, "force-canceled-at": _shown(moment)}
            self._signal(run, KILL)
        self._change_phases(run, moment)
        self.note(run, run.status.replace("_", "-"))
        if event in {Event.APPLY, Event.AUTO_APPLY}:
            run.confirmed_by_id = self.actor_id
            if before == PLANNED_AND_SAVED:
                self._take_lock(run)
        self._go_on(run, keep_lock=keep_lock)
        self.session.flush()

    def begin(self, run: Run) -> None:
        """Begin a run that waited: with its stage before the plan, or with its plan."""
        self.move(run, Event.BEGIN_STAGE if is_possible(run, Event.BEGIN_STAGE) else Event.QUEUE_PLAN)

    def release(self, run: Run) -> None:
        """Release the lock if the run holds it, make the newest state current, and let the next run begin."""
        run.holds_lock = False
        self.session.flush()
        if self.workspace.locked_by_type != "runs" or self.workspace.locked_by_id != run.id:
            return
        release(self.workspace)
        discard_pending(self.session, self.workspace.id)
        self.follow_unlock()

    def follow_unlock(self) -> None:
        """After the workspace was unlocked: make the newest state current, and let the next run begin."""
        before = self.workspace.current_state_version_id
        promote_latest(self.session, self.workspace)
        self.follow_state(has_changed=self.workspace.current_state_version_id != before)

    def follow_state(self, *, has_changed: bool) -> None:
        """After the workspace was unlocked and its newest state made current: let the next run begin."""
        if has_changed and self.workspace.latest_run_id is not None:
            self._discard_outdated()
        self.start_next()

    def start_next(self) -> None:
        """Queue the plan of the run that has waited longest, if the workspace is unlocked.

        If a person has locked it, that run is the current one all the same: the CLI looks there for why it waits.
        """
        if self.workspace.locked_by_type == "runs" or self.workspace.latest_run_id is None:
            # Most workspaces that are locked and unlocked by the CLI have no run at all.
            return
        waiting = (
            select(Run)
            .where(Run.workspace_id == self.workspace.id, Run.status == PENDING, ~Run.plan_only, ~Run.save_plan)
            .order_by(Run.number)
            .limit(1)
        )
        run = self.session.scalars(waiting).one_or_none()
        if run is not None and self.workspace.locked:
            self.workspace.current_run_id = run.id
        elif run is not None:
            self.begin(run)

    def execute_now(self, run: Run, blocking: Run) -> None:
        """Discard the run that holds the lock, and let this one begin before those that have waited longer."""
        self.move(blocking, Event.DISCARD, keep_lock=True)
        blocking.holds_lock = False
        release(self.workspace)
        self.session.flush()
        self.begin(run)

    def note(self, run: Run, action: str, description: str | None = None, comment_id: str | None = None) -> None:
        """Write a run event."""
        if run.id not in self._numbers:
            last = self.session.scalar(select(func.max(RunEvent.number)).where(RunEvent.run_id == run.id))
            self._numbers[run.id] = last or 0
        self._numbers[run.id] += 1
        event = RunEvent(
            organization_id=run.organization_id,
            workspace_id=run.workspace_id,
            run_id=run.id,
            number=self._numbers[run.id],
            action=action,
            description=description,
            actor_id=self.actor_id,
            comment_id=comment_id,
        )
        self.session.add(event)

    def _go_on(self, run: Run, *, keep_lock: bool) -> None:
        # What the new status brings with it, in the same transaction.
        next_event = following(run)
        if next_event is not None:
            self.move(run, next_event)
        elif run.status in RUNNING_STAGES:
            begin_stage(self, run, RUNNING_STAGES[run.status])
        elif run.status in FINAL:
            if run.stages:
                end_stages(self.session, run)
            if keep_lock:
                self.workspace.locked_reason = INCOMPLETE
            else:
                self.release(run)
            follow_end(self.session, self.workspace, run)

    def _mark_canceled(self, run: Run, moment: datetime) -> None:
        run.canceled_by_id = self.actor_id
        run.canceled_at = run.canceled_at or moment
        run.force_cancel_available_at = run.force_cancel_available_at or moment + FORCE_CANCEL_AFTER

    def _enter(self, run: Run, status: str, moment: datetime) -> None:
        run.status = status
        run.updated_at = moment
        run.status_timestamps = {**run.status_timestamps, f"{status.replace('_', '-')}-at": _shown(moment)}
        notify_run(self.session, self.workspace, run, self.actor_id)

    def _change_phases(self, run: Run, moment: datetime) -> None:
        plan, apply = self.phases(run)
        if run.status in _ENDED:
            phases: tuple[RunPhase, ...] = (plan, apply)
            for phase in phases:
                if phase.status not in run_phases.OVER:
                    has_begun = phase.status != run_phases.PENDING
                    _enter_phase(phase, _ENDED[run.status] if has_begun else run_phases.UNREACHABLE, moment)
        else:
            of_plan, of_apply = _PHASES.get(run.status, (None, None))
            if of_plan is not None and plan.status != of_plan:
                _enter_phase(plan, of_plan, moment)
            if of_apply is not None and apply.status != of_apply:
                _enter_phase(apply, of_apply, moment)
        if run.status in {PRE_PLAN_RUNNING, PLAN_QUEUED} and not (run.is_speculative or run.holds_lock):
            self._take_lock(run)
        if run.status == PLAN_QUEUED:
            self._queue_job(run, PLAN, plan)
        elif run.status == APPLY_QUEUED:
            self._queue_job(run, APPLY, apply)
        elif run.status in FINAL:
            self._end_jobs(run)

    def phases(self, run: Run) -> tuple[Plan, Apply]:
        """The plan and the apply of the run."""
        if run.id not in self._phases:
            plan = self.session.scalars(select(Plan).where(Plan.run_id == run.id)).one()
            apply = self.session.scalars(select(Apply).where(Apply.run_id == run.id)).one()
            self._phases[run.id] = plan, apply
        return self._phases[run.id]

    def _take_lock(self, run: Run) -> None:
        self.workspace.locked = True
        self.workspace.locked_by_type, self.workspace.locked_by_id = "runs", run.id
        self.workspace.locked_by_name, self.workspace.locked_reason = run.id, None
        run.holds_lock = True
        self.workspace.current_run_id = run.id

    def _queue_job(self, run: Run, phase: str, row: RunPhase) -> None:
        want_ring(self.session.info, doorbells.JOB)
        known = self.session.scalars(select(RunJob).where(RunJob.phase_id == row.id)).one_or_none()  # type: ignore[attr-defined]
        if known is not None:
            requeue(known)
            return
        plan_priority = PRIORITY_PLAN_ONLY if run.plan_only else PRIORITY_PLAN
        if phase == PLAN and not self._has_agent(run.pool):
            # The CLI prints the log of the plan while it waits for it.
            self.note(run, "waiting-for-agent", NO_AGENT)
            append_log(self.session, row, run.id, 0, f"{NO_AGENT}\n".encode())
        job = RunJob(
            organization_id=run.organization_id,
            workspace_id=run.workspace_id,
            run_id=run.id,
            phase=phase,
            phase_id=row.id,  # type: ignore[attr-defined]
            pool=run.pool,
            priority=PRIORITY_APPLY if phase == APPLY else plan_priority,
        )
        self.session.add(job)

    def _has_agent(self, pool: str) -> bool:
        return self.session.scalar(select(Agent.id).where(Agent.pool == pool, is_alive()).limit(1)) is not None

    def _signal(self, run: Run, signal: str) -> None:
        want_ring(self.session.info, doorbells.SIGNAL)
        self.session.execute(
            update(RunJob)
            .where(RunJob.run_id == run.id, RunJob.status != FINISHED)
            .values(signal=signal)
            .execution_options(synchronize_session="fetch")
        )

    def _end_jobs(self, run: Run) -> None:
        self.session.execute(
            update(RunJob)
            .where(RunJob.run_id == run.id, RunJob.status != FINISHED)
            .values(status=FINISHED, lease_until=None, deadline=None, token_digest=None)
            .execution_options(synchronize_session="fetch")
        )

    def _discard_outdated(self) -> None:
        # What a saved plan would change is not what was looked at any more; and a workspace is not inactive any more.
        is_outdated = or_(
            Run.status == PLANNED_AND_SAVED, and_(Run.status == PENDING, Run.trigger_reason == INACTIVITY)
        )
        outdated = select(Run).where(Run.workspace_id == self.workspace.id, is_outdated)
        for run in self.session.scalars(outdated.order_by(Run.number)).all():
            self.move(run, Event.DISCARD)


def requeue(job: RunJob) -> None:
    """Give the job to another agent: nobody has it now."""
    job.status = QUEUED
    job.agent_id = job.lease_until = job.started_at = job.deadline = job.token_digest = None
    job.queued_at, job.signal = now(), NO_SIGNAL


def finish_job(job: RunJob) -> None:
    """End the job: no agent may write to it any more."""
    job.status = FINISHED
    job.lease_until = job.deadline = job.token_digest = None


def lock_run(session: Session, run_id: str) -> tuple[Workspace, Run] | None:
    """The run and its workspace, both locked, always in this order; None if the run is gone.

    Rows that refer to them can be inserted meanwhile: else a piece of a log, whose phase is locked, could wait for the
    run while the run waits for the phase.
    """
    workspace_id = session.scalar(select(Run.__table__.c.workspace_id).where(Run.__table__.c.id == run_id))
    if workspace_id is None:
        return None
    workspace = session.scalars(
        select(Workspace).where(Workspace.__table__.c.id == workspace_id).with_for_update(of=Workspace, key_share=True)
    ).one_or_none()
    run = session.scalars(
        select(Run)
        .where(Run.__table__.c.id == run_id)
        .with_for_update(of=Run, key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    return None if workspace is None or run is None else (workspace, run)


def _enter_phase(phase: RunPhase, status: str, moment: datetime) -> None:
    phase.status = status
    names: dict[str, Any] = {run_phases.QUEUED: "queued-at", run_phases.RUNNING: "started-at"}
    name = names.get(status, f"{status}-at")
    phase.status_timestamps = {**phase.status_timestamps, name: _shown(moment)}
    if status == run_phases.RUNNING:
        phase.started_at = moment
    elif status in run_phases.OVER:
        phase.finished_at = moment


def _shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S+00:00")
