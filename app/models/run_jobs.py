"""Jobs: the phases of runs that agents work on."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.persistence import Base, Timestamp, identifier, now

PLAN, APPLY = "plan", "apply"
PHASES = (PLAN, APPLY)

QUEUED = "queued"
ACQUIRED = "acquired"
STARTED = "started"
FINISHED = "finished"
STATUSES = (QUEUED, ACQUIRED, STARTED, FINISHED)

NO_SIGNAL = "none"
INTERRUPT = "interrupt"
KILL = "kill"
SIGNALS = (NO_SIGNAL, INTERRUPT, KILL)

# What is done first: what people have confirmed, then what holds a lock, then what only looks.
PRIORITY_APPLY, PRIORITY_PLAN, PRIORITY_PLAN_ONLY = 0, 1, 2


class RunJob(Base):
    """A phase that an agent may work on. Each dispatch raises ``fence``, so that an agent which lost it can't write.

    An apply is dispatched again only if it was not started.
    """

    __tablename__ = "run_jobs"
    visible_by: ClassVar[P] = P.AGENT_POOL_SERVE
    grant_columns: ClassVar[Mapping[str, str]] = {Level.AGENT_POOL: "pool"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("job"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    phase: Mapped[str]
    phase_id: Mapped[str] = mapped_column()
    pool: Mapped[str] = mapped_column()
    priority: Mapped[int] = mapped_column()
    status: Mapped[str] = mapped_column(default=QUEUED)
    queued_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    attempts: Mapped[int] = mapped_column(default=0)
    fence: Mapped[int] = mapped_column(default=0)
    agent_id: Mapped[str | None]
    # Until then the agent must show that it is alive; null while nobody has the job.
    lease_until: Mapped[datetime | None] = mapped_column(Timestamp)
    started_at: Mapped[datetime | None] = mapped_column(Timestamp)
    # When the phase has taken too long.
    deadline: Mapped[datetime | None] = mapped_column(Timestamp)
    signal: Mapped[str] = mapped_column(default=NO_SIGNAL)
    # Of the token that terraform gets in the sandbox.
    token_digest: Mapped[str | None] = mapped_column()

    __table_args__ = (
        # For the jobs that wait: by priority, then by organization, then by age.
        Index("ix_run_jobs_queue", pool, status, priority, organization_id, queued_at),
        Index("ix_run_jobs_run_id", run_id),
        Index("ix_run_jobs_organization_id", organization_id),
        Index("ix_run_jobs_workspace_id", workspace_id),
        Index(
            "ix_run_jobs_lease_until",
            lease_until,
            sqlite_where=lease_until.is_not(None),
            postgresql_where=lease_until.is_not(None),
        ),
        Index("uq_run_jobs_token_digest", token_digest, unique=True),
        # One job for each phase: an apply can't be queued twice.
        Index("uq_run_jobs_phase_id", phase_id, unique=True),
        CheckConstraint("phase IN " + str(PHASES), name="phase"),
        CheckConstraint(status.in_(STATUSES), name="status"),
        CheckConstraint("signal IN " + str(SIGNALS), name="signal"),
    )
