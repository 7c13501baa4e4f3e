"""What waits in a pool, and how many agents could work on it."""

from typing import Any, Final

from sqlalchemy import Connection, func, select

from app.models.agent_pools import AgentPool
from app.models.agents import Agent, is_alive
from app.models.organizations import Organization
from app.models.run_jobs import QUEUED, RunJob
from app.persistence import Base
from app.resources.runs.agent_jobs.operations import RUNNING

MOST_JOBS: Final = 500
_JOBS: Final = Base.metadata.tables[RunJob.__tablename__]


def queue_of(connection: Connection, pool: str) -> dict[str, Any]:
    """The numbers of jobs and agents of the pool, and the jobs that may begin now; three statements."""
    in_pool = _JOBS.c.pool == pool
    running = select(func.count()).select_from(_JOBS).where(in_pool, _JOBS.c.status.in_(RUNNING))
    slots = select(func.coalesce(func.sum(Agent.slots), 0)).where(Agent.pool == pool, is_alive())
    limit = select(AgentPool.max_concurrent_runs).where(AgentPool.__table__.c.id == pool)
    counted = connection.execute(
        select(
            running.scalar_subquery().label("running"),
            slots.scalar_subquery().label("slots"),
            limit.scalar_subquery().label("maximum"),
        )
    ).one()
    queued = connection.execute(
        select(func.count()).select_from(_JOBS).where(in_pool, _JOBS.c.status == QUEUED)
    ).scalar_one()
    room = MOST_JOBS if counted.maximum is None else max(0, counted.maximum - counted.running)
    jobs = _ready(connection, pool, min(room, MOST_JOBS))
    idle = max(0, counted.slots - counted.running)
    return {
        "queued": queued,
        "ready": len(jobs),
        "running": counted.running,
        "idle": idle,
        "wanted": max(0, len(jobs) - idle),
        "jobs": jobs,
    }


def _ready(connection: Connection, pool: str, most: int) -> list[str]:
    """The first jobs in the queue, without those of organizations that have reached their limits."""
    others = _JOBS.alias("others")
    of_organization = (
        select(func.count())
        .select_from(others)
        .where(others.c.organization_id == _JOBS.c.organization_id, others.c.status.in_(RUNNING))
        .correlate(_JOBS)
        .scalar_subquery()
    )
    turn = func.row_number().over(
        partition_by=_JOBS.c.organization_id, order_by=(_JOBS.c.priority, _JOBS.c.queued_at, _JOBS.c.id)
    )
    waiting = (
        select(
            _JOBS.c.id,
            _JOBS.c.fence,
            _JOBS.c.priority,
            _JOBS.c.queued_at,
            (Organization.max_concurrent_runs - of_organization).label("room"),
            turn.label("turn"),
        )
        .join(Organization, Organization.__table__.c.id == _JOBS.c.organization_id)
        .where(_JOBS.c.pool == pool, _JOBS.c.status == QUEUED)
        .subquery("waiting")
    )
    has_room = func.coalesce(waiting.c.room, MOST_JOBS) >= waiting.c.turn
    first = (
        select(waiting.c.id, waiting.c.fence)
        .where(has_room)
        .order_by(waiting.c.priority, waiting.c.queued_at, waiting.c.id)
        .limit(most)
    )
    # The fence tells a job that was given out before and came back.
    return [f"{row.id}.{row.fence}" for row in connection.execute(first)]
