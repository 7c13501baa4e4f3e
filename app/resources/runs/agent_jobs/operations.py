"""The rules of jobs: which one an agent gets, who holds one, and what becomes of a lost one."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from app.doorbells import JOB, SIGNAL, want_ring
from app.jsonapi.errors import Conflict
from app.models.agent_pools import AgentPool
from app.models.agents import Agent
from app.models.log_chunks import append_log
from app.models.organizations import Organization
from app.models.run_jobs import (
    ACQUIRED,
    APPLY,
    FINISHED,
    INTERRUPT,
    KILL,
    QUEUED,
    STARTED,
    RunJob,
)
from app.models.run_machine import Machine, finish_job, lock_run, requeue
from app.models.run_phases import RunPhase
from app.models.run_transitions import Event
from app.models.runs import CANCELED, PLANNING, Run
from app.persistence import now

RUNNING: Final = (ACQUIRED, STARTED)
# A plan may be lost once: twice is no accident of the agent's.
PLAN_ATTEMPTS: Final = 2
# So many agents may take a job and not begin it.
ATTEMPTS: Final = 5
# How long an agent may take to stop terraform after the time of the phase is over.
STOPPING: Final = timedelta(minutes=5)
EXPIRED_AT_ONCE: Final = 100
# How many organizations are asked for a job, if those before them have reached their limits.
ORGANIZATIONS_AT_ONCE: Final = 100


class JobLost(Conflict):
    """The job is not this agent's any more."""

    code = "job-lost"
    detail = "The job is not this agent's any more: its lease ended, or the run did"


def claim(session: Session, agent: Agent, lease: timedelta) -> RunJob | None:
    """Give the agent the job that is due: applies, then plans, then plans that change nothing.

    Among equals, organizations with fewer running jobs come first, and then the jobs that have waited longest. Two
    agents never get the same one: PostgreSQL skips locked rows, and on SQLite writers queue.
    """
    if not _has_room(session, AgentPool, agent.pool, RunJob.pool == agent.pool):
        return None
    for priority, organization_id in _by_turns(session, agent.pool):
        if not _has_room(session, Organization, organization_id, RunJob.organization_id == organization_id):
            continue
        due = (
            select(RunJob)
            .where(
                RunJob.pool == agent.pool,
                RunJob.status == QUEUED,
                RunJob.priority == priority,
                RunJob.organization_id == organization_id,
            )
            .order_by(RunJob.queued_at)
            .limit(1)
            .with_for_update(of=RunJob, skip_locked=True)
        )
        job = session.scalars(due).one_or_none()
        if job is not None:
            return _take(session, job, agent, lease)
    return None


def _by_turns(session: Session, pool: str) -> list[tuple[int, str]]:
    """The priorities and organizations of the jobs that wait in the pool: those whose turn it is come first."""
    running = (
        select(RunJob.organization_id, func.count().label("jobs"))
        .where(RunJob.lease_until.is_not(None))
        .group_by(RunJob.organization_id)
        .subquery("running")
    )
    waiting = (
        select(RunJob.organization_id, RunJob.priority, func.min(RunJob.queued_at).label("since"))
        .where(RunJob.pool == pool, RunJob.status == QUEUED)
        .group_by(RunJob.priority, RunJob.organization_id)
        .subquery("waiting")
    )
    jobs, limit = func.coalesce(running.c.jobs, 0), Organization.max_concurrent_runs
    turns = (
        select(waiting.c.priority, waiting.c.organization_id)
        .join(Organization, Organization.__table__.c.id == waiting.c.organization_id)
        .outerjoin(running, running.c.organization_id == waiting.c.organization_id)
        .where(or_(limit.is_(None), jobs < limit))
        .order_by(waiting.c.priority, jobs, waiting.c.since)
        .limit(ORGANIZATIONS_AT_ONCE)
    )
    return [(row.priority, row.organization_id) for row in session.execute(turns)]


def _take(session: Session, job: RunJob, agent: Agent, lease: timedelta) -> RunJob:
    job.status, job.agent_id = ACQUIRED, agent.id
    job.fence += 1
    job.attempts += 1
    job.lease_until = now() + lease
    session.flush()
    return job


def _has_room(
    session: Session, model: type[AgentPool | Organization], identifier: str, of_it: ColumnElement[bool]
) -> bool:
    """Whether the pool or organization may have one more running job.

    If it has a limit, its row is locked, so that two claims at once can't both be the last one.
    """
    limited = select(model.max_concurrent_runs).where(
        model.__table__.c.id == identifier, model.max_concurrent_runs.is_not(None)
    )
    # Rows that refer to it can be inserted meanwhile.
    limit = session.scalar(limited.with_for_update(key_share=True))
    if limit is None:
        return True
    count = session.scalar(select(func.count()).select_from(RunJob).where(of_it, RunJob.status.in_(RUNNING)))
    return (count or 0) < limit


def check_held(job: RunJob, fence: int) -> None:
    """Refuse an agent whose lease ended: another one may have the job by now."""
    if job.fence != fence or job.status not in {ACQUIRED, STARTED}:
        raise JobLost


def outcome_event(run: Run, outcome: str) -> Event:
    """What the outcome of a phase means for its run. A canceled plan goes nowhere, even if it succeeded."""
    if outcome == "ok" and (run.canceled_at is None or run.status != PLANNING):
        return Event.FINISH
    return Event.STOP if run.canceled_at is not None or outcome == CANCELED else Event.FAIL


def expired_jobs(session: Session, grace: timedelta) -> list[tuple[str, str]]:
    """The ids of jobs, with their runs, whose agents are silent, or that take too long."""
    moment = now()
    is_silent = or_(
        and_(RunJob.lease_until < moment, or_(RunJob.status == ACQUIRED, RunJob.phase != APPLY)),
        # An agent that is only cut off goes on applying; nobody else may.
        RunJob.lease_until < moment - grace,
    )
    is_late = and_(RunJob.deadline < moment, RunJob.signal != KILL)
    active = select(RunJob.id, RunJob.run_id).where(RunJob.lease_until.is_not(None), or_(is_silent, is_late))
    return [(row.id, row.run_id) for row in session.execute(active.order_by(RunJob.id).limit(EXPIRED_AT_ONCE))]


class Expired(NamedTuple):
    """What was done about a job: the action for the event, and the run with its status before."""

    action: str
    run: Run
    before: str


def expire(session: Session, job_id: str, run_id: str, grace: timedelta) -> Expired | None:
    """Do what has to be done about the job, if it is still so; None if nothing had to be done."""
    locked = lock_run(session, run_id)
    if locked is None:
        return None
    workspace, run = locked
    job = session.scalars(
        select(RunJob)
        .where(RunJob.id == job_id, RunJob.lease_until.is_not(None))
        .with_for_update(of=RunJob)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if job is None or job.lease_until is None or job.status == FINISHED:
        return None
    before, moment = run.status, now()
    machine = Machine(session, workspace)
    is_lost = job.lease_until < moment
    action = "runs.lose-agent"
    if job.status == ACQUIRED and is_lost and job.attempts >= ATTEMPTS:
        _say(machine, run, job, "agent-lost", f"{ATTEMPTS} agents took the job, and none has begun it")
        machine.move(run, Event.FAIL)
    elif job.status == ACQUIRED and is_lost:
        requeue(job)
        machine.note(run, "agent-lost", "The agent took the job and was not heard of again; another one gets it")
        want_ring(session.info, JOB)
    elif is_lost and job.phase == APPLY and job.lease_until < moment - grace:
        _say(machine, run, job, "agent-lost", f"The agent was not heard of until {moment:%H:%M:%S} UTC")
        machine.move(run, Event.LOSE, keep_lock=True)
    elif is_lost and job.phase != APPLY:
        _say(machine, run, job, "agent-lost", f"The agent was not heard of until {moment:%H:%M:%S} UTC")
        again = Event.LOSE if job.attempts < PLAN_ATTEMPTS else Event.FAIL
        machine.move(run, again if run.canceled_at is None else Event.STOP)
    elif not is_lost and _stop_late(machine, job, run, moment):
        action = "runs.time-out"
    else:
        return None
    session.flush()
    return Expired(action, run, before)


def _say(machine: Machine, run: Run, job: RunJob, action: str, text: str) -> None:
    """Write a run event, and a line into the log of the phase: whoever reads only the log sees why it ends."""
    machine.note(run, action, text)
    plan, apply = machine.phases(run)
    phase: RunPhase = apply if job.phase == APPLY else plan
    append_log(machine.session, phase, run.id, phase.log_length, f"\n{text}\n".encode())


def _stop_late(machine: Machine, job: RunJob, run: Run, moment: datetime) -> bool:
    """Interrupt a phase that takes too long, and later end it; whether anything was to be done."""
    if job.deadline is None or job.deadline >= moment:
        return False
    if job.deadline + STOPPING < moment:
        finish_job(job)
        job.signal = KILL
        _say(machine, run, job, "timed-out", "The phase took too long; terraform is killed")
        machine.move(run, Event.FAIL)
        return True
    if job.signal == INTERRUPT:
        return False
    job.signal = INTERRUPT
    want_ring(machine.session.info, SIGNAL)
    machine.note(run, "timed-out", "The phase takes too long; terraform is interrupted")
    return True
