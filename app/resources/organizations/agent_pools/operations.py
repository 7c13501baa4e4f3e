"""The rules of agent pools: which resources may use them, and when they can be deleted."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import InvalidAttribute, Unprocessable
from app.models.agent_pools import AgentPool, AllowedProject, AllowedWorkspace, ExcludedWorkspace
from app.persistence import in_values
from app.resources.inheritance.agent_pools import is_used

PoolAccess = type[AllowedProject] | type[AllowedWorkspace] | type[ExcludedWorkspace]

POOL_ACCESS: Mapping[str, PoolAccess] = {
    "allowed-workspaces": AllowedWorkspace,
    "allowed-projects": AllowedProject,
    "excluded-workspaces": ExcludedWorkspace,
}


class AgentPoolInUse(Unprocessable):
    """An organization, project, workspace or run uses the pool."""

    code = "agent-pool-in-use"
    detail = (
        "The agent pool is in use; the organization, project or workspace that names it must leave it first, "
        "and its runs must be over"
    )


def delete_pool(session: Session, pool: AgentPool) -> None:
    """Delete a pool that is not in use. The caller has locked its row, so no request can start to use it meanwhile."""
    if is_used(session, pool):
        raise AgentPoolInUse
    session.delete(pool)
    session.flush()


def check_known(wanted: Collection[str], known: Collection[str], relationship: str) -> None:
    """Refuse ids that the caller can't use: missing, hidden, or of another organization."""
    for index, identifier in enumerate(wanted):
        if identifier not in known:
            type_ = relationship.rpartition("-")[2]
            raise InvalidAttribute(
                f"{relationship.replace('-', ' ').capitalize()} must be {type_} of the organization",
                pointer=f"/data/relationships/{relationship}/data/{index}/id",
            )


def listed_ids(session: Session, pool: AgentPool, relationship: str) -> set[str]:
    """The ids of the workspaces or projects that are in the relationship."""
    table = POOL_ACCESS[relationship]
    return set(session.scalars(select(_column(table)).where(table.agent_pool_id == pool.id)))


def replace_listed(
    session: Session, pool: AgentPool, relationship: str, before: set[str], after: set[str]
) -> dict[str, list[Any]]:
    """Replace the workspaces or projects in the relationship; returns what changed."""
    table = POOL_ACCESS[relationship]
    column = _column(table)
    if before == after:
        return {}
    if before - after:
        session.execute(delete(table).where(table.agent_pool_id == pool.id, in_values(column, before - after)))
    session.add_all(table(agent_pool_id=pool.id, **{column.key: new}) for new in sorted(after - before))
    return {relationship: [sorted(before), sorted(after)]}


def _column(table: PoolAccess) -> Any:  # noqa: ANN401 - a mapped column
    return table.project_id if table is AllowedProject else table.workspace_id  # type: ignore[union-attr]
