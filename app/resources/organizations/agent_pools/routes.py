"""Agent pools over HTTP."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, Response, request

from app.authz.permissions import P
from app.jsonapi.errors import TooMuchIncluded
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.models.workspaces import Workspace
from app.resources.organizations.agent_pools import service
from app.resources.organizations.agent_pools.listing import AGENT_POOLS
from app.resources.organizations.agent_pools.operations import (
    POOL_ACCESS,
)
from app.resources.organizations.agent_pools.schema import AgentPoolSchema
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.includes import load_included
from app.web.listing import ResourceObject
from app.web.policy import organization_or_404
from app.web.requests import body

blueprint = Blueprint("agent_pools", __name__, url_prefix="/api/v2")

INCLUDES = ("workspaces",)
# How many workspaces one answer includes.
INCLUDED = 5_000


@blueprint.get("/organizations/<organization>/agent-pools")
@requires(P.ORGANIZATION_READ, P.AGENT_POOL_READ, P.PROJECT_READ, P.WORKSPACE_READ)
@describes(listing=AGENT_POOLS, includes=INCLUDES, errors=(400,))
def list_agent_pools(organization: str) -> Response:
    """List the agent pools of an organization."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    return AGENT_POOLS.page_response({"organization_id": org.id}, include=_including())


@blueprint.post("/organizations/<organization>/agent-pools")
@requires(P.AGENT_POOL_READ, P.AGENT_POOL_MANAGE, P.PROJECT_READ, P.WORKSPACE_READ)
@describes(body=AgentPoolSchema, answer=AgentPoolSchema, status=201, errors=(422,))
def create_agent_pool(organization: str) -> Response:
    """Create an agent pool, open to the whole organization unless the request says otherwise."""
    org = organization_or_404(organization, P.AGENT_POOL_MANAGE)
    members = load(AgentPoolSchema, body())
    listed = _pop_listed(members)
    return resource_response(service.create_agent_pool(listed, members, org), 201)


@blueprint.get("/agent-pools/<agent_pool_id>")
@requires(P.AGENT_POOL_READ, P.PROJECT_READ, P.WORKSPACE_READ)
@describes(answer=AgentPoolSchema, includes=INCLUDES, errors=(400,))
def show_agent_pool(agent_pool_id: str) -> Response:
    """Show an agent pool."""
    include = _including()
    row = AGENT_POOLS.get_complete({"id": agent_pool_id})
    shown = AGENT_POOLS.to_resource(row)
    return resource_response(shown, included=include([row], [shown]) if include else None)


@blueprint.patch("/agent-pools/<agent_pool_id>")
@requires(P.AGENT_POOL_READ, P.AGENT_POOL_MANAGE, P.PROJECT_READ, P.WORKSPACE_READ)
@describes(body=AgentPoolSchema, is_partial=True, answer=AgentPoolSchema, errors=(422,))
def update_agent_pool(agent_pool_id: str) -> Response:
    """Update an agent pool. Relationships that are sent replace the existing ones; those that use the pool keep it."""
    members = load(AgentPoolSchema, body(), partial=True, identifier=agent_pool_id)
    listed = _pop_listed(members)
    return resource_response(service.update_agent_pool(agent_pool_id, members, listed))


@blueprint.delete("/agent-pools/<agent_pool_id>")
@requires(P.AGENT_POOL_READ, P.AGENT_POOL_MANAGE)
@describes(status=204, errors=(422,))
def destroy_agent_pool(agent_pool_id: str) -> Response:
    """Delete an agent pool that no organization, project or workspace uses."""
    service.destroy_agent_pool(agent_pool_id)
    return no_content()


def _including() -> Callable[[Sequence[Any], list[ResourceObject]], list[ResourceObject]] | None:
    if not includes_of(request.args, INCLUDES):
        return None

    def load(rows: Sequence[Any], _shown: list[ResourceObject]) -> list[ResourceObject]:
        workspaces = {identifier for row in rows for identifier in row.workspace_ids}
        if len(workspaces) > INCLUDED:
            raise TooMuchIncluded(parameter="include")
        return load_included(Workspace, workspaces)

    return load


def _pop_listed(members: dict[str, Any]) -> dict[str, list[str]]:
    columns = {relationship: f"{relationship.replace('-', '_')[:-1]}_ids" for relationship in POOL_ACCESS}
    return {relationship: members.pop(column) for relationship, column in columns.items() if column in members}
