"""The rules of agent pools: whom they are open to, and when they may go."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import InvalidAttribute, Unprocessable
from app.persistence import among
from app.resources.agent_pools.model import AgentPool, AllowedProject, AllowedWorkspace, ExcludedWorkspace
from app.resources.agent_pools.usage import is_used

Place = type[AllowedProject] | type[AllowedWorkspace] | type[ExcludedWorkspace]

PLACES: Mapping[str, Place] = {
    "allowed-workspaces": AllowedWorkspace,
    "allowed-projects": AllowedProject,
    "excluded-workspaces": ExcludedWorkspace,
}


class AgentPoolInUse(Unprocessable):
    """A pool stays as long as somebody's execution mode names it."""

    code = "agent-pool-in-use"
    detail = "The agent pool is in use; the organization, project or workspace that names it must leave it first"


def delete_pool(session: Session, pool: AgentPool) -> None:
    """Delete a pool that nobody uses. Its row is locked by the caller, so that nobody begins to meanwhile."""
    if is_used(session, pool):
        raise AgentPoolInUse
    session.delete(pool)
    session.flush()


def check_known(wanted: Collection[str], known: Collection[str], relationship: str) -> None:
    """Refuse what is not there for the caller: missing, hidden, or of another organization."""
    for index, identifier in enumerate(wanted):
        if identifier not in known:
            type_ = relationship.rpartition("-")[2]
            raise InvalidAttribute(
                f"{relationship.replace('-', ' ').capitalize()} must be {type_} of the organization",
                pointer=f"/data/relationships/{relationship}/data/{index}/id",
            )


def listed(session: Session, pool: AgentPool, relationship: str) -> set[str]:
    """The ids of the workspaces or projects in the relationship."""
    place = PLACES[relationship]
    return set(session.scalars(select(_column(place)).where(place.agent_pool_id == pool.id)))


def replace_listed(
    session: Session, pool: AgentPool, relationship: str, before: set[str], after: set[str]
) -> dict[str, list[Any]]:
    """Put exactly these into the relationship. What changed."""
    place = PLACES[relationship]
    column = _column(place)
    if before == after:
        return {}
    if before - after:
        session.execute(delete(place).where(place.agent_pool_id == pool.id, among(column, before - after)))
    session.add_all(place(agent_pool_id=pool.id, **{column.key: new}) for new in sorted(after - before))
    return {relationship: [sorted(before), sorted(after)]}


def _column(place: Place) -> Any:  # noqa: ANN401 - a mapped column
    return place.project_id if place is AllowedProject else place.workspace_id  # type: ignore[union-attr]
