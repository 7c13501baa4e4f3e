"""Agents over HTTP."""

from flask import Blueprint, Response

from app.authz.permissions import P
from app.models.agent_pools import AgentPool
from app.resources.organizations.agents import service
from app.resources.organizations.agents.listing import AGENTS
from app.resources.organizations.agents.schema import AgentSchema
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import get_visible

blueprint = Blueprint("agents", __name__, url_prefix="/api/v2")


@blueprint.get("/agent-pools/<agent_pool_id>/agents")
@requires(P.AGENT_POOL_READ)
@describes(listing=AGENTS, errors=(400,))
def list_agents(agent_pool_id: str) -> Response:
    """List the agents of a pool, the newest first."""
    row = get_visible(AgentPool, agent_pool_id)
    return AGENTS.page_response({"organization_id": row.organization_id, "pool": agent_pool_id})


@blueprint.get("/agents/<agent_id>")
@requires(P.AGENT_POOL_READ)
@describes(answer=AgentSchema)
def show_agent(agent_id: str) -> Response:
    """Show an agent."""
    return resource_response(AGENTS.get_resource({"id": agent_id}))


@blueprint.delete("/agents/<agent_id>")
@requires(P.AGENT_POOL_READ, P.AGENT_POOL_MANAGE)
@describes(status=204, errors=(422,))
def destroy_agent(agent_id: str) -> Response:
    """Delete an agent that is `unknown`, `errored` or `exited`."""
    service.destroy_agent(agent_id)
    return no_content()
