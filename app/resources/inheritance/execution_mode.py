"""Where runs execute: set on organization, project or workspace. Each inherits from the one above it.

The mode ``agent`` needs a pool of agents; mode and pool are set, inherited and shown together. (spec: projects,
execution-mode semantics; workspaces, execution mode)
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, bindparam, case, func, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import InvalidAttribute, NotFound, Unprocessable, humanized
from app.models.agent_pools import AgentPool
from app.models.agents import BUILT_IN_POOL, Agent, is_alive
from app.models.organizations import Organization
from app.models.projects import Project
from app.persistence import AnyRow, KeptStatement

INHERIT: Final = "default"
AGENT: Final = "agent"
REMOTE: Final = "remote"
LOCAL: Final = "local"

# The mode in force on a project, read from where it is set.
MODE_OF_PROJECT: Final = func.coalesce(Project.own_execution_mode, Organization.default_execution_mode)
POOL_OF_PROJECT: Final = case(
    (Project.own_execution_mode.is_not(None), Project.own_agent_pool_id),
    else_=Organization.default_agent_pool_id,
)


class Execution(NamedTuple):
    """A mode and, for ``agent``, the pool. No mode means that it is inherited."""

    mode: str | None = None
    pool: str | None = None


@dataclass(frozen=True, slots=True)
class PoolConsumer:
    """A resource that is to use a pool: its organization, its kind, and the condition that a pool is open to it."""

    organization_id: str | None
    kind: str
    is_open: Callable[[], ColumnElement[bool]]


class NamedPool(NamedTuple):
    """The pool in a request: the attribute or relationship that names it, its id, and whether one was sent at all."""

    member: str
    pointer: str
    pool: str | None
    is_given: bool


def resolve_execution(
    session: Session,
    members: dict[str, Any],
    current: Any,  # noqa: ANN401 - the project or workspace, None for a new one
    consumer: PoolConsumer,
    *,
    inherited: Callable[[], Execution],
) -> dict[str, Any]:
    """The attributes, with the request's mode and pool resolved to the resource's own mode and pool.

    A mode becomes the resource's own; ``default``, or overwrites of ``false``, make it inherit again; overwrites of
    ``true`` without a mode keep the mode in force (``inherited`` gives it for a resource without its own).
    """
    normalized = dict(members)
    prefix = "" if consumer.kind == "workspace" else "default_"
    overwrites = normalized.pop("setting_overwrites", None)
    mode = normalized.pop(f"{prefix}execution_mode", None)
    named = pop_pool(normalized, prefix)
    own = before = Execution(current.own_execution_mode, current.own_agent_pool_id) if current else Execution()
    if overwrites is False:
        own, named = Execution(), named._replace(pool=None, is_given=False)
    elif mode == INHERIT:
        own = Execution()
    elif mode is not None:
        own = Execution(mode, own.pool)
    elif overwrites and own.mode is None:
        own = inherited()
    elif not named.is_given:
        return normalized
    pool = resolve_pool(session, own, named, before.pool, consumer)
    return {**normalized, "own_execution_mode": own.mode, "own_agent_pool_id": pool}


def pop_pool(members: dict[str, Any], prefix: str = "default_") -> NamedPool:
    """Remove the pool, sent as attribute or relationship, from ``members`` and return it."""
    attribute, relationship = f"{prefix}agent_pool_id", f"{prefix}agent_pool"
    is_given = attribute in members or relationship in members
    by_id, by_linkage = members.pop(attribute, None), members.pop(relationship, None)
    member = relationship.replace("_", "-")
    pointer = f"/data/relationships/{member}" if by_linkage and not by_id else f"/data/attributes/{member}-id"
    return NamedPool(member, pointer, by_id or by_linkage or None, is_given)


def resolve_pool(
    session: Session,
    wanted: Execution,
    named: NamedPool,
    before: str | None,
    consumer: PoolConsumer,
) -> str | None:
    """The pool for the mode; None if the mode is not ``agent``.

    Refuses a pool without that mode, that mode without a pool, and a pool that does not exist or is not open to the
    resource. A resource that uses the pool already may keep it, even if the pool is no longer open to it.
    """
    if named.pool and wanted.mode != AGENT:
        subject = "Default agent pool" if consumer.kind == "organization" else "Agent pool"
        raise Unprocessable(
            f"{subject} must not be specified unless using 'agent' execution mode",
            pointer=named.pointer,
        )
    if wanted.mode != AGENT:
        return None
    pool = named.pool if named.is_given else wanted.pool
    if not pool:
        raise InvalidAttribute(
            f"{humanized(named.member)} must be specified when using 'agent' execution mode",
            pointer=named.pointer,
        )
    if pool != before:
        _check_pool(session, pool, named, consumer)
    return pool


def _check_pool(session: Session, pool: str, named: NamedPool, consumer: PoolConsumer) -> None:
    # The pool can't be deleted until the transaction ends.
    is_open = session.scalars(
        select(consumer.is_open())
        .where(AgentPool.id == pool, AgentPool.organization_id == consumer.organization_id)
        .with_for_update(read=True, key_share=True, of=AgentPool),
    ).one_or_none()
    if is_open is None:
        raise InvalidAttribute(f"{humanized(named.member)} does not exist", pointer=named.pointer)
    if not is_open:
        raise InvalidAttribute(
            f"{humanized(named.member)} {consumer.kind} does not have access to use this agent pool",
            pointer=named.pointer,
        )


def usual_mode(session: Session) -> str:
    """The mode of a new organization: here, if an agent is there to take its runs, else on the user's machine."""
    alive = select(Agent.id).where(Agent.pool == BUILT_IN_POOL, is_alive()).limit(1)
    return LOCAL if session.scalar(alive) is None else REMOTE


_OF_ORGANIZATION: Final = KeptStatement(
    select(Organization.default_execution_mode, Organization.default_agent_pool_id).where(
        Organization.__table__.c.id == bindparam("organization_id")
    )
)
_OF_PROJECT: Final = KeptStatement(
    select(MODE_OF_PROJECT, POOL_OF_PROJECT)
    .select_from(Project)
    .join(Organization, Organization.id == Project.organization_id)
    .where(Project.__table__.c.id == bindparam("project_id"))
)


def execution_of_organization(session: Session, organization_id: str) -> Execution:
    """The mode and pool of projects that have none of their own."""
    return _found(_OF_ORGANIZATION.one_or_none(session.connection(), {"organization_id": organization_id}))


def execution_of_project(session: Session, project_id: str) -> Execution:
    """The mode and pool of the project's workspaces that have none of their own."""
    return _found(_OF_PROJECT.one_or_none(session.connection(), {"project_id": project_id}))


def _found(row: AnyRow) -> Execution:
    if row is None:  # it was deleted meanwhile
        raise NotFound
    return Execution(*row)
