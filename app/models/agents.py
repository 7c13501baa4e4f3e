"""Agents: the processes that take runs from a pool and execute terraform."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BindParameter,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    and_,
    bindparam,
    case,
    or_,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.persistence import Base, Timestamp, identifier, now

# The pool of the service itself, for the execution mode ``remote``: it has no row in ``agent_pools``.
BUILT_IN_POOL = "built-in"

IDLE = "idle"
BUSY = "busy"
EXITED = "exited"
REPORTED_STATUSES = (IDLE, BUSY, EXITED)
# What silence means: an agent says every ten seconds that it is alive.
UNKNOWN = "unknown"
ERRORED = "errored"
STATUSES = (IDLE, BUSY, UNKNOWN, EXITED, ERRORED)
HEARTBEAT = timedelta(seconds=10)
UNKNOWN_AFTER = 3 * HEARTBEAT
ERRORED_AFTER = timedelta(hours=2)


class Agent(Base):
    """An agent that has registered with the token of a pool.

    ``status`` is the one that it reported last. An agent that has been silent for long is shown as ``unknown`` or
    ``errored``, which follows from ``last_ping_at``.
    """

    __tablename__ = "agents"
    visible_by: ClassVar[P] = P.AGENT_POOL_READ
    grant_columns: ClassVar[Mapping[str, str]] = {Level.ORGANIZATION: "organization_id", Level.AGENT_POOL: "pool"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("agent"))
    # Both null for an agent of the built-in pool.
    organization_id: Mapped[str | None] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    agent_pool_id: Mapped[str | None] = mapped_column(ForeignKey("agent_pools.id", ondelete="CASCADE"))
    # The id of the pool, or ``BUILT_IN_POOL``.
    pool: Mapped[str] = mapped_column()
    name: Mapped[str]
    version: Mapped[str]
    os: Mapped[str]
    arch: Mapped[str]
    # How many jobs it does at once.
    slots: Mapped[int]
    # It takes one job and ends.
    is_single: Mapped[bool]
    # The versions that it has at hand: {"terraform": ["1.11.4"], "opentofu": []}.
    tools: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    sandbox: Mapped[str]
    ip: Mapped[str | None]
    status: Mapped[str] = mapped_column(default=IDLE)
    last_ping_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (
        # The list of a pool, and whether an agent of it is alive.
        Index("ix_agents_pool_last_ping_at", pool, last_ping_at),
        # For CASCADE.
        Index("ix_agents_agent_pool_id", agent_pool_id),
        Index("ix_agents_organization_id", organization_id),
        CheckConstraint(status.in_(REPORTED_STATUSES), name="status"),
    )


def is_alive() -> ColumnElement[bool]:
    """The condition that the agent has been heard of lately, and has not ended."""
    return and_(Agent.last_ping_at >= _before("agents_alive_since", UNKNOWN_AFTER), Agent.status != EXITED)


def has_ended() -> ColumnElement[bool]:
    """The condition that the agent is ``unknown``, ``errored`` or ``exited``, so that its row may go."""
    return or_(Agent.last_ping_at < _before("agents_alive_since", UNKNOWN_AFTER), Agent.status == EXITED)


def shown_status() -> ColumnElement[str]:
    """The status that the agent reported last, unless it has been silent for too long since."""
    return case(
        (Agent.status == EXITED, EXITED),
        (Agent.last_ping_at < _before("agents_errored_since", ERRORED_AFTER), ERRORED),
        (Agent.last_ping_at < _before("agents_alive_since", UNKNOWN_AFTER), UNKNOWN),
        else_=Agent.status,
    )


def _before(name: str, silence: timedelta) -> BindParameter[datetime]:
    # Statements are built once and reused, so the moment is told at each execution.
    return bindparam(name, callable_=lambda: now() - silence, type_=Timestamp())
