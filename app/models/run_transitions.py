"""The state machine of runs as one table: what can happen to a run, who may ask for it, and what becomes of the run.

``app.models.run_machine`` lets it happen. ``docs/run-states.md`` is generated from the table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.models.runs import (
    APPLIED,
    APPLY_QUEUED,
    APPLYING,
    AWAITING_DECISION,
    CANCELED,
    CONFIRMED,
    DISCARDED,
    ERRORED,
    PENDING,
    PLAN_QUEUED,
    PLANNED,
    PLANNED_AND_FINISHED,
    PLANNED_AND_SAVED,
    PLANNING,
    POST_APPLY_COMPLETED,
    POST_APPLY_RUNNING,
    POST_PLAN_AWAITING_DECISION,
    POST_PLAN_COMPLETED,
    POST_PLAN_RUNNING,
    PRE_APPLY_AWAITING_DECISION,
    PRE_APPLY_COMPLETED,
    PRE_APPLY_RUNNING,
    PRE_PLAN_AWAITING_DECISION,
    PRE_PLAN_COMPLETED,
    PRE_PLAN_RUNNING,
    RUNNING_STAGES,
    Run,
)
from app.models.task_stages import POST_APPLY, POST_PLAN, PRE_APPLY, PRE_PLAN
from app.persistence import now


class Event(StrEnum):
    """What can happen to a run."""

    CREATE = "create"
    QUEUE_PLAN = "queue-plan"
    START = "start"
    FINISH = "finish"
    FAIL = "fail"
    STOP = "stop"
    LOSE = "lose"
    APPLY = "apply"
    AUTO_APPLY = "auto-apply"
    QUEUE_APPLY = "queue-apply"
    DISCARD = "discard"
    CANCEL = "cancel"
    FORCE_CANCEL = "force-cancel"
    BEGIN_STAGE = "begin-stage"
    COMPLETE_STAGE = "complete-stage"
    FAIL_STAGE = "fail-stage"
    AWAIT_DECISION = "await-decision"
    OVERRIDE = "override"
    PROCEED = "proceed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A row of the table. ``to`` is None if the status stays. ``condition`` says in words what ``when`` asks."""

    event: Event
    sources: tuple[str, ...]
    to: str | None
    who: str
    effects: str
    when: Callable[[Run], bool] = lambda _run: True
    condition: str = ""


_AGENT = "the agent"
_SERVICE = "the service"
_MAY_APPLY = "run:apply"
_MAY_OVERRIDE = "run:override-policies for policies; workspace:manage-run-tasks and run:apply for run tasks"
_ENDS_PLANNED = "plan-only, or nothing to change and not allow-empty-apply"
_COMPLETED: Final[Mapping[str, str]] = {
    PRE_PLAN_RUNNING: PRE_PLAN_COMPLETED,
    POST_PLAN_RUNNING: POST_PLAN_COMPLETED,
    PRE_APPLY_RUNNING: PRE_APPLY_COMPLETED,
    POST_APPLY_RUNNING: POST_APPLY_COMPLETED,
}
_AWAITING: Final[Mapping[str, str]] = {
    PRE_PLAN_RUNNING: PRE_PLAN_AWAITING_DECISION,
    POST_PLAN_RUNNING: POST_PLAN_AWAITING_DECISION,
    PRE_APPLY_RUNNING: PRE_APPLY_AWAITING_DECISION,
}


def _ends_planned(run: Run) -> bool:
    return run.plan_only or not (run.has_changes or run.allow_empty_apply)


TRANSITIONS: Final = (
    Transition(
        event=Event.CREATE,
        sources=(),
        to=PENDING,
        who="run:plan, and run:apply to destroy; an upload with auto-queue-runs",
        effects="plan and apply are created",
    ),
    Transition(
        event=Event.BEGIN_STAGE,
        sources=(PENDING,),
        to=PRE_PLAN_RUNNING,
        who=_SERVICE,
        when=lambda run: run.has_stage(PRE_PLAN),
        condition="run tasks have a say before the plan; else as for queue-plan",
        effects="the run takes the lock of the workspace, unless it only plans; the stage is running",
    ),
    Transition(
        event=Event.QUEUE_PLAN,
        sources=(PENDING, PRE_PLAN_COMPLETED),
        to=PLAN_QUEUED,
        who=_SERVICE,
        when=lambda run: run.is_speculative,
        condition="plan-only, or the plan is saved: at once, also while the workspace is locked",
        effects="the plan is queued for an agent",
    ),
    Transition(
        event=Event.QUEUE_PLAN,
        sources=(PENDING, PRE_PLAN_COMPLETED),
        to=PLAN_QUEUED,
        who=_SERVICE + ", or run:apply by force-execute",
        condition="the workspace is unlocked, and no run is ahead",
        effects="the run takes the lock of the workspace; the plan is queued for an agent",
    ),
    Transition(
        event=Event.START,
        sources=(PLAN_QUEUED,),
        to=PLANNING,
        who=_AGENT,
        effects="the plan is running",
    ),
    Transition(
        event=Event.FINISH,
        sources=(PLANNING,),
        to=PLANNED,
        who=_AGENT,
        when=lambda run: run.has_stage(POST_PLAN),
        condition="policies or run tasks have a say after the plan",
        effects="none; the stage begins in the same transaction",
    ),
    Transition(
        event=Event.BEGIN_STAGE,
        sources=(PLANNED,),
        to=POST_PLAN_RUNNING,
        who=_SERVICE,
        when=lambda run: run.has_stage(POST_PLAN),
        condition="policies or run tasks have a say after the plan",
        effects="the stage is running",
    ),
    Transition(
        event=Event.FINISH,
        sources=(PLANNING,),
        to=PLANNED_AND_FINISHED,
        who=_AGENT,
        when=_ends_planned,
        condition=_ENDS_PLANNED,
        effects="the apply is unreachable; the lock is released",
    ),
    Transition(
        event=Event.FINISH,
        sources=(PLANNING,),
        to=PLANNED_AND_SAVED,
        who=_AGENT,
        when=lambda run: run.save_plan,
        condition="the plan is saved",
        effects="the run waits, without a lock",
    ),
    Transition(
        event=Event.FINISH, sources=(PLANNING,), to=PLANNED, who=_AGENT, effects="the run waits, and keeps the lock"
    ),
    Transition(
        event=Event.PROCEED,
        sources=(POST_PLAN_COMPLETED,),
        to=PLANNED_AND_FINISHED,
        who=_SERVICE,
        when=_ends_planned,
        condition=_ENDS_PLANNED,
        effects="the apply is unreachable; the lock is released",
    ),
    Transition(
        event=Event.PROCEED,
        sources=(POST_PLAN_COMPLETED,),
        to=PLANNED_AND_SAVED,
        who=_SERVICE,
        when=lambda run: run.save_plan,
        condition="the plan is saved",
        effects="the run waits, without a lock",
    ),
    Transition(
        event=Event.AUTO_APPLY,
        sources=(PLANNED, POST_PLAN_COMPLETED),
        to=CONFIRMED,
        who=_SERVICE,
        when=lambda run: run.auto_apply,
        condition="auto-apply",
        effects="none; the apply is queued in the same transaction",
    ),
    Transition(
        event=Event.APPLY,
        sources=(PLANNED, PLANNED_AND_SAVED, POST_PLAN_COMPLETED),
        to=CONFIRMED,
        who=_MAY_APPLY,
        effects="a saved plan takes the lock now; the apply is queued in the same transaction",
    ),
    Transition(
        event=Event.BEGIN_STAGE,
        sources=(CONFIRMED,),
        to=PRE_APPLY_RUNNING,
        who=_SERVICE,
        when=lambda run: run.has_stage(PRE_APPLY),
        condition="run tasks have a say before the apply",
        effects="the stage is running",
    ),
    Transition(
        event=Event.QUEUE_APPLY,
        sources=(CONFIRMED, PRE_APPLY_COMPLETED),
        to=APPLY_QUEUED,
        who=_SERVICE,
        effects="the apply is queued for an agent",
    ),
    Transition(event=Event.START, sources=(APPLY_QUEUED,), to=APPLYING, who=_AGENT, effects="the apply is running"),
    Transition(
        event=Event.FINISH,
        sources=(APPLYING,),
        to=POST_APPLY_RUNNING,
        who=_AGENT,
        when=lambda run: run.has_stage(POST_APPLY),
        condition="run tasks have a say after the apply",
        effects="the apply is finished; the stage is running; the run keeps the lock",
    ),
    Transition(
        event=Event.PROCEED,
        sources=(POST_APPLY_COMPLETED,),
        to=APPLIED,
        who=_SERVICE,
        effects="the newest state becomes current; the lock is released",
    ),
    Transition(
        event=Event.FINISH,
        sources=(APPLYING,),
        to=APPLIED,
        who=_AGENT,
        effects="the newest state becomes current; the lock is released",
    ),
    Transition(
        event=Event.FAIL,
        sources=(PLAN_QUEUED, PLANNING, APPLY_QUEUED, APPLYING),
        to=ERRORED,
        who=_AGENT + ", also if it can't begin; the service after too long a time",
        effects="the state that arrived becomes current; the lock is released",
    ),
    Transition(
        event=Event.STOP,
        sources=(PLANNING, APPLYING),
        to=CANCELED,
        who=_AGENT,
        condition="after a cancel",
        effects="the state that arrived becomes current; the lock is released",
    ),
    Transition(
        event=Event.LOSE,
        sources=(PLANNING,),
        to=PLAN_QUEUED,
        who=_SERVICE,
        condition="the agent is silent, for the first time",
        effects="the plan is queued once more",
    ),
    Transition(
        event=Event.LOSE,
        sources=(APPLYING,),
        to=ERRORED,
        who=_SERVICE,
        condition="the agent is silent for longer than the grace of an apply",
        effects="the workspace stays locked until the state arrives or a person unlocks it by force",
    ),
    Transition(
        event=Event.DISCARD,
        sources=(PENDING, PLANNED, PLANNED_AND_SAVED, POST_PLAN_COMPLETED, *sorted(AWAITING_DECISION)),
        to=DISCARDED,
        who=_MAY_APPLY + "; the service, for a saved plan whose workspace has got another state",
        effects="the phases that have not begun are unreachable; the lock is released",
    ),
    Transition(
        event=Event.CANCEL,
        sources=(PENDING, PLAN_QUEUED, APPLY_QUEUED, *RUNNING_STAGES),
        to=CANCELED,
        who="run:plan before the apply, else run:apply",
        effects="at once; the phases that have not begun are unreachable; the lock is released",
    ),
    Transition(
        event=Event.CANCEL,
        sources=(PLANNING, APPLYING),
        to=None,
        who="run:plan before the apply, else run:apply",
        when=lambda run: run.canceled_at is None,
        condition="not canceled before",
        effects="the agent interrupts terraform and finishes the phase",
    ),
    Transition(
        event=Event.FORCE_CANCEL,
        sources=(PLANNING, APPLYING),
        to=CANCELED,
        who="workspace:update and run:apply",
        when=lambda run: run.force_cancel_available_at is not None and run.force_cancel_available_at <= now(),
        condition="a minute after a cancel",
        effects="the agent kills terraform; what it logs afterwards is dropped, and its state is kept",
    ),
    *(
        Transition(
            event=Event.COMPLETE_STAGE,
            sources=(source,),
            to=target,
            who=_SERVICE,
            condition="no mandatory policy or run task of the stage says no",
            effects="the stage is passed; the run goes on in the same transaction",
        )
        for source, target in _COMPLETED.items()
    ),
    *(
        Transition(
            event=Event.AWAIT_DECISION,
            sources=(source,),
            to=target,
            who=_SERVICE,
            condition="all that say no may be overridden, and the run does more than plan",
            effects="the stage waits for somebody who overrides it; the run keeps the lock",
        )
        for source, target in _AWAITING.items()
    ),
    *(
        Transition(
            event=Event.OVERRIDE,
            sources=(target,),
            to=_COMPLETED[source],
            who=_MAY_OVERRIDE,
            effects="the stage is passed; the run goes on in the same transaction",
        )
        for source, target in _AWAITING.items()
    ),
    Transition(
        event=Event.FAIL_STAGE,
        sources=tuple(RUNNING_STAGES),
        to=ERRORED,
        who=_SERVICE,
        condition="otherwise",
        effects="the stage is failed; the state that arrived becomes current; the lock is released",
    ),
)

# What happens to a run of this status by itself, in the same transaction: the first event that is possible.
_BY_ITSELF: Final[Mapping[str, tuple[Event, ...]]] = {
    PRE_PLAN_COMPLETED: (Event.QUEUE_PLAN,),
    PLANNED: (Event.BEGIN_STAGE, Event.AUTO_APPLY),
    POST_PLAN_COMPLETED: (Event.PROCEED, Event.AUTO_APPLY),
    CONFIRMED: (Event.BEGIN_STAGE, Event.QUEUE_APPLY),
    PRE_APPLY_COMPLETED: (Event.QUEUE_APPLY,),
    POST_APPLY_COMPLETED: (Event.PROCEED,),
}
_BY_EVENT: Final[Mapping[Event, tuple[Transition, ...]]] = {
    event: tuple(each for each in TRANSITIONS if each.event == event) for event in Event
}


def find_transition(run: Run, event: Event) -> Transition | None:
    """The row of the table for this run and event; None if there is none."""
    rows = (each for each in _BY_EVENT[event] if run.status in each.sources and each.when(run))
    return next(rows, None)


def is_possible(run: Run, event: Event) -> bool:
    """Whether the event can happen to the run now, as far as the run itself is concerned."""
    return find_transition(run, event) is not None


def following(run: Run) -> Event | None:
    """What happens to the run next without anybody's word; None if it waits or is over."""
    return next((event for event in _BY_ITSELF.get(run.status, ()) if is_possible(run, event)), None)
