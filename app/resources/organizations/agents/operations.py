"""The rules of agents: registering, saying that one is alive, and which rows may go."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from app.jsonapi.errors import NotFound, Unprocessable
from app.models.agent_pools import AgentPool
from app.models.agents import BUILT_IN_POOL, BUSY, EXITED, IDLE, UNKNOWN_AFTER, Agent
from app.persistence import now

# An agent that is started for each job leaves a row each time.
KEEP_EXITED: Final = timedelta(hours=1)
KEEP_SILENT: Final = timedelta(days=7)
MAXIMUM: Final = 5_000


class AgentAlive(Unprocessable):
    """Only an agent that has ended is deleted."""

    code = "agent-alive"
    detail = "The agent is idle or busy; only an agent that is unknown, errored or exited can be deleted"


class TooManyAgents(Unprocessable):
    """The pool has as many agents as are allowed."""

    code = "too-many-agents"
    detail = f"The pool has {MAXIMUM} agents, alive or ended lately; delete some that have ended first"


def register_agent(session: Session, pool: str, told: Mapping[str, Any]) -> Agent:
    """A new agent of the pool. Rows of agents that ended long ago go at this occasion."""
    session.execute(
        delete(Agent).where(Agent.pool == pool, _ended_long_ago()),
        execution_options={"synchronize_session": False},
    )
    if session.execute(select(func.count()).select_from(Agent).where(Agent.pool == pool)).scalar_one() >= MAXIMUM:
        raise TooManyAgents
    agent = Agent(pool=pool, status=IDLE, **told)
    if pool != BUILT_IN_POOL:
        # The share lock keeps the pool until the agent is there.
        found = select(AgentPool.organization_id).where(AgentPool.id == pool)
        agent.organization_id = session.scalar(found.with_for_update(read=True, key_share=True))
        if agent.organization_id is None:
            raise NotFound
        agent.agent_pool_id = pool
    session.add(agent)
    session.flush()
    return agent


def note_ping(session: Session, agent_id: str, status: str, *conditions: ColumnElement[bool]) -> bool:
    """Note that the agent is alive, or has ended; false if there is no such agent among those of the conditions."""
    pinged = (
        update(Agent).where(Agent.__table__.c.id == agent_id, *conditions).values(status=status, last_ping_at=now())
    )
    return session.connection().execute(pinged).rowcount > 0


def check_ended(agent: Agent) -> None:
    """Refuse to delete an agent that is alive."""
    if agent.status in {IDLE, BUSY} and agent.last_ping_at >= now() - UNKNOWN_AFTER:
        raise AgentAlive


def _ended_long_ago() -> ColumnElement[bool]:
    return or_(
        Agent.last_ping_at < now() - KEEP_SILENT,
        and_(Agent.status == EXITED, Agent.last_ping_at < now() - KEEP_EXITED),
    )
