"""Runs: one plan of a workspace's configuration, and perhaps its apply."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.models.workspaces import WorkspaceChild
from app.persistence import Base, Timestamp, identifier, now
from app.storage.sealed import SEALED

PENDING = "pending"
PLAN_QUEUED = "plan_queued"
PLANNING = "planning"
PLANNED = "planned"
PLANNED_AND_FINISHED = "planned_and_finished"
PLANNED_AND_SAVED = "planned_and_saved"
CONFIRMED = "confirmed"
APPLY_QUEUED = "apply_queued"
APPLYING = "applying"
APPLIED = "applied"
DISCARDED = "discarded"
ERRORED = "errored"
CANCELED = "canceled"
STATUSES = (
    PENDING,
    PLAN_QUEUED,
    PLANNING,
    PLANNED,
    PLANNED_AND_FINISHED,
    PLANNED_AND_SAVED,
    CONFIRMED,
    APPLY_QUEUED,
    APPLYING,
    APPLIED,
    DISCARDED,
    ERRORED,
    CANCELED,
)
# The source of runs that the CLI starts with ``backend "remote"``, which prints logs as they are.
OF_REMOTE_BACKEND = "terraform"
FINAL = frozenset({PLANNED_AND_FINISHED, APPLIED, DISCARDED, ERRORED, CANCELED})
# A person can still say no to it.
DISCARDABLE = frozenset({PENDING, PLANNED, PLANNED_AND_SAVED})
CONFIRMABLE = frozenset({PLANNED, PLANNED_AND_SAVED})
QUEUED = frozenset({PLAN_QUEUED, APPLY_QUEUED})
WORKING = frozenset({PLANNING, APPLYING})


class Run(WorkspaceChild, Base):
    """A run of a workspace. It holds the lock of the workspace from its plan to its end, unless it only plans."""

    __tablename__ = "runs"
    visible_by: ClassVar[P] = P.RUN_READ

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("run"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    configuration_version_id: Mapped[str] = mapped_column(ForeignKey("configuration_versions.id", ondelete="CASCADE"))
    # The order in which the runs of a workspace were created, and in which they wait for each other.
    number: Mapped[int] = mapped_column()
    status: Mapped[str] = mapped_column(default=PENDING)
    # ``{"planning-at": "2026-…"}``, in the form of the answer.
    status_timestamps: Mapped[dict[str, Any]] = mapped_column(default=dict)
    message: Mapped[str]
    source: Mapped[str] = mapped_column(default="tfe-api")
    trigger_reason: Mapped[str] = mapped_column(default="manual")
    is_destroy: Mapped[bool] = mapped_column(default=False)
    refresh: Mapped[bool] = mapped_column(default=True)
    refresh_only: Mapped[bool] = mapped_column(default=False)
    plan_only: Mapped[bool] = mapped_column(default=False)
    save_plan: Mapped[bool] = mapped_column(default=False)
    auto_apply: Mapped[bool] = mapped_column(default=False)
    allow_empty_apply: Mapped[bool] = mapped_column(default=False)
    allow_config_generation: Mapped[bool] = mapped_column(default=False)
    debugging_mode: Mapped[bool] = mapped_column(default=False)
    target_addrs: Mapped[list[str] | None]
    replace_addrs: Mapped[list[str] | None]
    # Of a plan-only run that asks for another version than its workspace's.
    terraform_version: Mapped[str | None]
    # The JSON list of the run's own variables: their values may be secret.
    sealed_variables: Mapped[str | None] = mapped_column(info=SEALED)
    # The id of an agent pool, or the built-in one. No foreign key: a run outlives the pool.
    pool: Mapped[str]
    has_changes: Mapped[bool] = mapped_column(default=False)
    # Whether it holds the workspace's lock.
    holds_lock: Mapped[bool] = mapped_column(default=False)
    created_by_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    confirmed_by_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    canceled_by_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    updated_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    # When somebody asked to cancel it, and from when on it can be canceled by force.
    canceled_at: Mapped[datetime | None] = mapped_column(Timestamp)
    force_cancel_available_at: Mapped[datetime | None] = mapped_column(Timestamp)

    __table_args__ = (
        UniqueConstraint("workspace_id", "number"),
        # At most one run of a workspace changes anything at a time, whatever the code believes.
        Index(
            "uq_runs_workspace_id_holds_lock",
            workspace_id,
            unique=True,
            sqlite_where=text("holds_lock"),
            postgresql_where=text("holds_lock"),
        ),
        # The next run of a workspace, and the queue of an organization.
        Index("ix_runs_workspace_id_status_number", workspace_id, status, number),
        Index("ix_runs_organization_id_created_at", organization_id, created_at),
        Index("ix_runs_organization_id_status_created_at", organization_id, status, created_at),
        Index("ix_runs_configuration_version_id", configuration_version_id),
        # For SET NULL when a user is deleted.
        Index("ix_runs_created_by_id", created_by_id),
        Index("ix_runs_confirmed_by_id", confirmed_by_id),
        Index("ix_runs_canceled_by_id", canceled_by_id),
        CheckConstraint(status.in_(STATUSES), name="status"),
    )

    @property
    def is_speculative(self) -> bool:
        """Whether it never holds the lock and never waits: a run that only plans, or whose plan is saved for later."""
        return self.plan_only or (self.save_plan and self.confirmed_by_id is None and not self.holds_lock)
