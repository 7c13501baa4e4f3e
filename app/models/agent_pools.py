"""Agent pools, and the projects and workspaces that may use them."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.persistence import Base, Name, Timestamp, identifier, now


class AgentPool(Base):
    """A pool for the execution mode ``agent``.

    The settings that name it have no foreign key to it, because the tables would refer to each other. Instead, a
    request that starts to use a pool locks its row with a shared lock, and one that deletes it locks the row before it
    checks whether the pool is used.
    """

    __tablename__ = "agent_pools"
    visible_by: ClassVar[P] = P.AGENT_POOL_READ
    grant_columns: ClassVar[Mapping[str, str]] = {
        Level.ORGANIZATION: "organization_id",
        Level.AGENT_POOLS: "organization_id",
    }
    unique_errors: ClassVar[dict[str, str]] = {"uq_agent_pools_organization_id_name": "name"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("apool"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Name)
    # Open to every project and workspace of the organization except the excluded ones.
    organization_scoped: Mapped[bool] = mapped_column(default=True)
    # How many runs of the pool may be planning or applying at once; null: as many as its agents take.
    max_concurrent_runs: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (
        Index("uq_agent_pools_organization_id_name", organization_id, func.lower(name), unique=True),
        Index("ix_agent_pools_organization_id_created_at", organization_id, created_at, func.lower(name)),
    )


class AllowedWorkspace(Base):
    """A workspace that may use a pool which is not open to all."""

    __tablename__ = "agent_pool_allowed_workspaces"

    agent_pool_id: Mapped[str] = mapped_column(ForeignKey("agent_pools.id", ondelete="CASCADE"), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    )


class AllowedProject(Base):
    """A project whose workspaces and own settings may use a pool which is not open to all."""

    __tablename__ = "agent_pool_allowed_projects"

    agent_pool_id: Mapped[str] = mapped_column(ForeignKey("agent_pools.id", ondelete="CASCADE"), primary_key=True)
    project_id: Mapped[str] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    )


class ExcludedWorkspace(Base):
    """A workspace that may not use a pool, whatever else allows it."""

    __tablename__ = "agent_pool_excluded_workspaces"

    agent_pool_id: Mapped[str] = mapped_column(ForeignKey("agent_pools.id", ondelete="CASCADE"), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    )
