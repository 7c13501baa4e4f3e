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
    Run,
)
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

TRANSITIONS: Final = (
    Transition(
        event=Event.CREATE,
        sources=(),
        to=PENDING,
        who="run:plan, and run:apply to destroy; an upload with auto-queue-runs",
        effects="plan and apply are created",
    ),
    Transition(
        event=Event.QUEUE_PLAN,
        sources=(PENDING,),
        to=PLAN_QUEUED,
        who=_SERVICE,
        when=lambda run: run.is_speculative,
        condition="plan-only, or the plan is saved: at once, also while the workspace is locked",
        effects="the plan is queued for an agent",
    ),
    Transition(
        event=Event.QUEUE_PLAN,
        sources=(PENDING,),
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
        to=PLANNED_AND_FINISHED,
        who=_AGENT,
        when=lambda run: run.plan_only or not (run.has_changes or run.allow_empty_apply),
        condition="plan-only, or nothing to change and not allow-empty-apply",
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
        event=Event.AUTO_APPLY,
        sources=(PLANNED,),
        to=CONFIRMED,
        who=_SERVICE,
        when=lambda run: run.auto_apply,
        condition="auto-apply",
        effects="none; the apply is queued in the same transaction",
    ),
    Transition(
        event=Event.APPLY,
        sources=(PLANNED, PLANNED_AND_SAVED),
        to=CONFIRMED,
        who=_MAY_APPLY,
        effects="a saved plan takes the lock now; the apply is queued in the same transaction",
    ),
    Transition(
        event=Event.QUEUE_APPLY,
        sources=(CONFIRMED,),
        to=APPLY_QUEUED,
        who=_SERVICE,
        effects="the apply is queued for an agent",
    ),
    Transition(event=Event.START, sources=(APPLY_QUEUED,), to=APPLYING, who=_AGENT, effects="the apply is running"),
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
        sources=(PENDING, PLANNED, PLANNED_AND_SAVED),
        to=DISCARDED,
        who=_MAY_APPLY + "; the service, for a saved plan whose workspace has got another state",
        effects="the phases that have not begun are unreachable; the lock is released",
    ),
    Transition(
        event=Event.CANCEL,
        sources=(PENDING, PLAN_QUEUED, APPLY_QUEUED),
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
)

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
