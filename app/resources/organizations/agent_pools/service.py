"""Use cases of agent pools: each checks the caller, changes in one transaction and records its event."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authentication.callers import OrganizationRef
from app.authz.permissions import P
from app.models.agent_pools import AgentPool
from app.models.projects import Project
from app.models.workspaces import Workspace
from app.persistence import in_values
from app.resources.organizations.agent_pools.listing import AGENT_POOLS
from app.resources.organizations.agent_pools.operations import (
    check_known,
    delete_pool,
    listed_ids,
    replace_listed,
)
from app.web.conditions import ensure_matches
from app.web.listing import ResourceObject
from app.web.policy import get_for_update, visible
from app.web.transaction import apply_changes, created_changes, record_event, transaction


def create_agent_pool(listed: dict[str, list[str]], members: dict[str, Any], org: OrganizationRef) -> ResourceObject:
    """Create an agent pool, open to the whole organization unless the request says otherwise."""
    with transaction() as session:
        pool = AgentPool(organization_id=org.id, **members)
        session.add(pool)
        session.flush()
        changed = _replace_listed(session, pool, listed)
        session.flush()
        record_event(session, "agent-pools.create", pool, {**created_changes(members), **changed})
        return AGENT_POOLS.get_resource({"id": pool.id}, session)


def update_agent_pool(agent_pool_id: str, members: dict[str, Any], listed: dict[str, list[str]]) -> ResourceObject:
    """Update an agent pool. Relationships that are sent replace the existing ones; those that use the pool keep it."""
    with transaction() as session:
        pool = _subject(session, agent_pool_id, is_kept=True)
        # Weaker than a deletion's lock: a request that starts to use the pool may have locked a workspace listed here.
        session.refresh(pool, with_for_update={"key_share": True})
        ensure_matches(session)
        changes = apply_changes(pool, members) | _replace_listed(session, pool, listed)
        session.flush()
        if changes:
            record_event(session, "agent-pools.update", pool, changes)
        return AGENT_POOLS.get_resource({"id": agent_pool_id}, session)


def destroy_agent_pool(agent_pool_id: str) -> None:
    """Delete an agent pool that no organization, project or workspace uses."""
    with transaction() as session:
        pool = _subject(session, agent_pool_id)
        delete_pool(session, pool)
        record_event(session, "agent-pools.delete", pool)


def _subject(session: Session, agent_pool_id: str, *, is_kept: bool = False) -> AgentPool:
    return get_for_update(session, AgentPool, agent_pool_id, P.AGENT_POOL_MANAGE, share_lock=is_kept)


def _replace_listed(session: Session, pool: AgentPool, listed: Mapping[str, list[str]]) -> dict[str, list[Any]]:
    changes: dict[str, list[Any]] = {}
    for relationship, wanted in listed.items():
        before = listed_ids(session, pool, relationship)
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
