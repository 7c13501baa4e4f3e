"""Use cases of agents: deleting one, and what an agent itself says."""

from collections.abc import Mapping
from typing import Any

from app.authz.permissions import P
from app.authz.policy import Level
from app.jsonapi.errors import NotFound
from app.models.agents import EXITED, Agent
from app.resources.organizations.agents.operations import check_ended, note_ping, register_agent
from app.web.context import caller
from app.web.policy import get_for_update, is_allowed_at, visible
from app.web.transaction import record_event, transaction


def destroy_agent(agent_id: str) -> None:
    """Delete an agent that has ended or has not been heard of for long."""
    with transaction() as session:
        agent = get_for_update(session, Agent, agent_id, P.AGENT_POOL_MANAGE)
        check_ended(agent)
        session.delete(agent)
        session.flush()
        record_event(session, "agents.delete", agent)


def own_pool() -> str:
    """The pool that the calling agent serves; 404 for every other caller."""
    pool = caller().id
    if not is_allowed_at(P.AGENT_POOL_SERVE, Level.AGENT_POOL, pool):
        raise NotFound
    return pool


def create_agent(told: Mapping[str, Any]) -> str:
    """Register the calling agent in the pool of its token; its id."""
    with transaction() as session:
        agent = register_agent(session, own_pool(), told)
        record_event(session, "agents.create", agent, {"name": [None, agent.name], "version": [None, agent.version]})
        return agent.id


def update_agent(agent_id: str, status: str) -> None:
    """Note what the agent does. There is no event: every agent says this every few seconds."""
    with transaction() as session:
        if not note_ping(session, agent_id, status, visible(P.AGENT_POOL_SERVE, Agent)):
            raise NotFound


def exit_agent(agent_id: str) -> None:
    """Note that the agent has ended of its own accord."""
    update_agent(agent_id, EXITED)
