"""Agent pools over HTTP."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.errors import TooMuchIncluded
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.models.agent_pools import AgentPool
from app.models.projects import Project
from app.models.workspaces import Workspace
from app.persistence import in_values
from app.resources.organizations.agent_pools.listing import AGENT_POOLS
from app.resources.organizations.agent_pools.operations import (
    POOL_ACCESS,
    check_known,
    delete_pool,
    listed,
    replace_listed,
)
from app.resources.organizations.agent_pools.schema import AgentPoolSchema
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.includes import included
from app.web.listing import ResourceObject
from app.web.policy import get_for_update, organization_or_404, visible
from app.web.requests import body
from app.web.transaction import apply_changes, created_changes, record_event, transaction

blueprint = Blueprint("agent_pools", __name__, url_prefix="/api/v2")

INCLUDES = ("workspaces",)
# How many workspaces an answer has in full beside the pools.
INCLUDED = 5_000


@blueprint.get("/organizations/<organization>/agent-pools")
@requires(P.ORGANIZATION_READ, P.AGENT_POOL_READ)
@describes(listing=AGENT_POOLS, includes=INCLUDES, errors=(400,))
def list_agent_pools(organization: str) -> Response:
    """List the agent pools of an organization."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    return AGENT_POOLS.page_response({"organization_id": org.id}, include=_including())


@blueprint.post("/organizations/<organization>/agent-pools")
@requires(P.AGENT_POOL_READ, P.AGENT_POOL_MANAGE)
@describes(body=AgentPoolSchema, answer=AgentPoolSchema, status=201, errors=(422,))
def create_agent_pool(organization: str) -> Response:
    """Create an agent pool, open to the whole organization unless the request says otherwise."""
    org = organization_or_404(organization, P.AGENT_POOL_MANAGE)
    members = load(AgentPoolSchema, body())
    places = _taken_out(members)
    with transaction() as session:
        pool = AgentPool(organization_id=org.id, **members)
        session.add(pool)
        session.flush()
        placed = _place(session, pool, places)
        session.flush()
        record_event(session, "agent-pools.create", pool, {**created_changes(members), **placed})
        shown = AGENT_POOLS.get_resource({"id": pool.id}, session)
    return resource_response(shown, 201)


@blueprint.get("/agent-pools/<agent_pool_id>")
@requires(P.AGENT_POOL_READ)
@describes(answer=AgentPoolSchema, includes=INCLUDES, errors=(400,))
def show_agent_pool(agent_pool_id: str) -> Response:
    """Show an agent pool."""
    include = _including()
    row = AGENT_POOLS.get_complete({"id": agent_pool_id})
    shown = AGENT_POOLS.to_resource(row)
    return resource_response(shown, included=include([row], [shown]) if include else None)


@blueprint.patch("/agent-pools/<agent_pool_id>")
@requires(P.AGENT_POOL_READ, P.AGENT_POOL_MANAGE)
@describes(body=AgentPoolSchema, is_partial=True, answer=AgentPoolSchema, errors=(422,))
def update_agent_pool(agent_pool_id: str) -> Response:
    """Update an agent pool. Relationships that are sent replace the existing ones; whoever uses the pool keeps it."""
    members = load(AgentPoolSchema, body(), partial=True, identifier=agent_pool_id)
    places = _taken_out(members)
    with transaction() as session:
        pool = _subject(session, agent_pool_id, is_kept=True)
        # Not the lock that deleting takes: who begins to use the pool has locked the workspace that it is to list.
        session.refresh(pool, with_for_update={"key_share": True})
        changes = apply_changes(pool, members) | _place(session, pool, places)
        session.flush()
        if changes:
            record_event(session, "agent-pools.update", pool, changes)
        shown = AGENT_POOLS.get_resource({"id": agent_pool_id}, session)
    return resource_response(shown)


@blueprint.delete("/agent-pools/<agent_pool_id>")
@requires(P.AGENT_POOL_READ, P.AGENT_POOL_MANAGE)
@describes(status=204, errors=(422,))
def destroy_agent_pool(agent_pool_id: str) -> Response:
    """Delete an agent pool that no organization, project or workspace names."""
    with transaction() as session:
        pool = _subject(session, agent_pool_id)
        delete_pool(session, pool)
        record_event(session, "agent-pools.delete", pool)
    return no_content()


def _subject(session: Session, agent_pool_id: str, *, is_kept: bool = False) -> AgentPool:
    return get_for_update(session, AgentPool, agent_pool_id, P.AGENT_POOL_MANAGE, share_lock=is_kept)


def _including() -> Callable[[Sequence[Any], list[ResourceObject]], list[ResourceObject]] | None:
    if not includes_of(request.args, INCLUDES):
        return None

    def load(rows: Sequence[Any], _shown: list[ResourceObject]) -> list[ResourceObject]:
        workspaces = {identifier for row in rows for identifier in row.workspace_ids}
        if len(workspaces) > INCLUDED:
            raise TooMuchIncluded(parameter="include")
        return included("workspaces", workspaces)

    return load


def _taken_out(members: dict[str, Any]) -> dict[str, list[str]]:
    columns = {relationship: f"{relationship.replace('-', '_')[:-1]}_ids" for relationship in POOL_ACCESS}
    return {relationship: members.pop(column) for relationship, column in columns.items() if column in members}


def _place(session: Session, pool: AgentPool, places: Mapping[str, list[str]]) -> dict[str, list[Any]]:
    changes: dict[str, list[Any]] = {}
    for relationship, wanted in places.items():
        before = listed(session, pool, relationship)
        check_known(wanted, before | _seen(session, pool, relationship, wanted), relationship)
        changes |= replace_listed(session, pool, relationship, before, set(wanted))
    return changes


def _seen(session: Session, pool: AgentPool, relationship: str, wanted: Sequence[str]) -> set[str]:
    model, permission = (
        (Project, P.PROJECT_READ) if relationship == "allowed-projects" else (Workspace, P.WORKSPACE_READ)
    )
    table = model.__table__
    return set(
        session.scalars(
            select(table.c.id).where(
                in_values(table.c.id, wanted),
                table.c.organization_id == pool.organization_id,
                visible(permission, model),
            ),
        ),
    )
