"""Use cases of agents: taking a job, starting it, and ending it. Each checks that the job is still the agent's."""

from datetime import timedelta
from typing import Any, Final, cast
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.authentication.tokens import digest, new_run_token
from app.authz.permissions import P
from app.jsonapi.errors import NotFound, TooLarge
from app.models.agents import UNKNOWN_AFTER, Agent
from app.models.applies import Apply
from app.models.log_chunks import MAXIMUM_BYTES, append_log
from app.models.plans import Plan
from app.models.run_jobs import APPLY, FINISHED, KILL, NO_SIGNAL, PLAN, QUEUED, STARTED, RunJob
from app.models.run_machine import Machine, finish_job, lock_run
from app.models.run_phases import OVER, RunPhase
from app.models.run_transitions import Event
from app.models.runs import FINAL, Run
from app.models.workspaces import Workspace
from app.persistence import now
from app.resources.runs.agent_jobs.documents import describe_job, variables_of
from app.resources.runs.agent_jobs.operations import JobLost, check_held, claim, outcome_event
from app.resources.runs.runs.schema import open_variables
from app.services import services
from app.web.addresses import base_url
from app.web.context import reader
from app.web.policy import get_for_update, visible
from app.web.transaction import record_event, transaction

# How stale the last sign of life of an agent may be: a write for each poll would cost more than the poll.
PING_EVERY: Final = timedelta(seconds=15)
# The agents of a pool together ask about so often in a second; few of them ask more often than many.
POLLS_PER_SECOND: Final = 20
FASTEST_POLL: Final = timedelta(seconds=2)
SLOWEST_POLL: Final = timedelta(seconds=10)
COUNTS: Final = ("additions", "changes", "destructions", "imports")


def acquire_job(agent_id: str) -> dict[str, Any] | timedelta:
    """Give the agent a job of its pool, or say after how long it should ask again."""
    columns = Agent.__table__.c
    others = Agent.__table__.alias()
    waiting = select(RunJob.id).where(RunJob.pool == columns.pool, RunJob.status == QUEUED)
    alive = select(func.count()).where(others.c.pool == columns.pool, others.c.last_ping_at > now() - UNKNOWN_AFTER)
    found = select(
        columns.last_ping_at,
        waiting.correlate(Agent.__table__).exists().label("has_work"),
        alive.correlate(Agent.__table__).scalar_subquery().label("agents"),
    ).where(columns.id == agent_id, visible(P.AGENT_POOL_SERVE, Agent))
    agent = reader().execute(found).one_or_none()
    if agent is None:
        raise NotFound
    pause = min(SLOWEST_POLL, max(FASTEST_POLL, timedelta(seconds=agent.agents // POLLS_PER_SECOND)))
    is_idle = not agent.has_work
    if is_idle and agent.last_ping_at > now() - PING_EVERY:
        return pause
    with transaction() as session:
        entity = get_for_update(session, Agent, agent_id, P.AGENT_POOL_SERVE, visible_by=P.AGENT_POOL_SERVE)
        entity.last_ping_at = now()
        job = None if is_idle else claim(session, entity, _lease())
        session.flush()
        if job is None:
            return pause
        phase = phase_of(session, job)
        phase.agent_id, phase.agent_name = entity.id, entity.name
        return describe_job(session, job, phase)


def start_job(job_id: str, fence: int) -> dict[str, Any]:
    """Begin the phase: from here on, an apply is never given to another agent. Returns the secrets of the job."""
    with transaction() as session:
        workspace, run, job = lock_with_run(session, job_id)
        check_held(job, fence)
        settings = services().settings
        if job.status != STARTED:
            Machine(session, workspace).move(run, Event.START)
            seconds = settings.plan_seconds if job.phase == PLAN else settings.apply_seconds
            job.status, job.started_at = STARTED, now()
            job.deadline = now() + timedelta(seconds=seconds)
        job.lease_until = now() + _lease()
        # A lost answer is asked for again; then only the last token opens anything.
        token = new_run_token()
        job.token_digest = digest(token, settings.secret_key)
        own = [] if run.sealed_variables is None else open_variables(run.sealed_variables)
        variables = variables_of(session, workspace, own)
        return {
            "variables": variables,
            "token": token,
            "hostname": urlsplit(base_url()).netloc,
            "signal": job.signal,
        }


def renew_lease(job_id: str, fence: int) -> dict[str, Any]:
    """Keep the job, and learn whether it should stop."""
    with transaction() as session:
        job = _lock_job(session, job_id)
        if job.status == FINISHED and job.signal == KILL and job.fence == fence:
            return {"signal": KILL, "lease-seconds": 0}
        check_held(job, fence)
        job.lease_until = now() + _lease()
        return {"signal": job.signal or NO_SIGNAL, "lease-seconds": services().settings.lease_seconds}


def write_log(job_id: str, fence: int, offset: int, sent: bytes) -> int:
    """Append to the log of the phase; returns its length."""
    with transaction() as session:
        job = _find_job(session, job_id)
        check_held(job, fence)
        phase = phase_of(session, job, for_update=True)
        if phase.log_length + len(sent) > MAXIMUM_BYTES:
            raise TooLarge.beyond(MAXIMUM_BYTES)
        if phase.status in OVER:
            # Meanwhile: readers have seen the end.
            raise JobLost
        return append_log(session, phase, job.run_id, offset, sent)


def finish_phase(job_id: str, fence: int, result: dict[str, Any]) -> None:
    """End the phase with its outcome. Saying it again changes nothing."""
    with transaction() as session:
        workspace, run, job = lock_with_run(session, job_id)
        machine = Machine(session, workspace)
        # Then the state that is stored is not what is there.
        is_missing = job.phase == APPLY and (
            result["state_missing"] or machine.phases(run)[1].errored_state_object is not None
        )
        if job.status == FINISHED and job.fence == fence and job.signal != KILL:
            if run.status in FINAL and not is_missing:
                # If the agent was given up while it applied: it has handed over what the lock waited for.
                machine.release(run)
            return
        check_held(job, fence)
        if job.status != STARTED and (result["outcome"] == "ok" or result["is_killed"]):
            # Another agent gets it.
            raise JobLost
        phase = phase_of(session, job)
        # An apply that succeeded has done what was planned.
        planned = machine.phases(run)[0] if job.phase == APPLY and result["outcome"] == "ok" else None
        for name in COUNTS:
            count = result[name]
            if count is None and planned is not None:
                count = getattr(planned, f"resource_{name}")
            setattr(phase, f"resource_{name}", count)
        if isinstance(phase, Plan):
            run.has_changes = phase.has_changes = result["has_changes"]
            phase.generated_configuration = result["generated_configuration"]
            phase.terraform_version = result["terraform_version"]
        before = run.status
        finish_job(job)
        if result["error"]:
            machine.note(run, "error", result["error"])
        event = outcome_event(run, "failed" if is_missing else result["outcome"])
        machine.move(run, event, keep_lock=is_missing)
        session.flush()
        action = "runs.finish-plan" if job.phase == PLAN else "runs.finish-apply"
        record_event(session, action, run, {"status": [before, run.status]})


def phase_of(session: Session, job: RunJob, *, for_update: bool = False) -> RunPhase:
    """The plan or apply that the job is about."""
    model = Plan if job.phase == PLAN else Apply
    found = select(model).where(model.__table__.c.id == job.phase_id)
    if for_update:
        found = found.with_for_update(of=model).execution_options(populate_existing=True)
    return cast("RunPhase", session.scalars(found).one())


def _lease() -> timedelta:
    return timedelta(seconds=services().settings.lease_seconds)


def _find_job(session: Session, job_id: str) -> RunJob:
    key = RunJob.__table__.c.id
    found = select(RunJob).where(key == job_id, visible(P.AGENT_POOL_SERVE, RunJob))
    job = session.scalars(found.execution_options(populate_existing=True)).one_or_none()
    if job is None:
        raise NotFound
    return job


def _lock_job(session: Session, job_id: str) -> RunJob:
    return get_for_update(session, RunJob, job_id, P.AGENT_POOL_SERVE, visible_by=P.AGENT_POOL_SERVE)


def lock_with_run(session: Session, job_id: str) -> tuple[Workspace, Run, RunJob]:
    """The job with its workspace and run, all locked: always the workspace, then the run, then the job."""
    columns = RunJob.__table__.c
    run_id = session.scalar(select(columns.run_id).where(columns.id == job_id, visible(P.AGENT_POOL_SERVE, RunJob)))
    if run_id is None:
        raise NotFound
    locked = lock_run(session, run_id)
    if locked is None:
        raise JobLost
    return *locked, _lock_job(session, job_id)
