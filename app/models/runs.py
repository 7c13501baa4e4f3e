"""Runs: one plan of a workspace's configuration, and perhaps its apply."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.models.task_stages import POST_APPLY, POST_PLAN, PRE_APPLY, PRE_PLAN
from app.models.workspaces import WorkspaceChild
from app.persistence import Base, Timestamp, identifier, now
from app.storage.sealed import SEALED

PENDING = "pending"
PRE_PLAN_RUNNING = "pre_plan_running"
PRE_PLAN_AWAITING_DECISION = "pre_plan_awaiting_decision"
PRE_PLAN_COMPLETED = "pre_plan_completed"
PLAN_QUEUED = "plan_queued"
PLANNING = "planning"
PLANNED = "planned"
PLANNED_AND_FINISHED = "planned_and_finished"
PLANNED_AND_SAVED = "planned_and_saved"
POST_PLAN_RUNNING = "post_plan_running"
POST_PLAN_AWAITING_DECISION = "post_plan_awaiting_decision"
POST_PLAN_COMPLETED = "post_plan_completed"
CONFIRMED = "confirmed"
PRE_APPLY_RUNNING = "pre_apply_running"
PRE_APPLY_AWAITING_DECISION = "pre_apply_awaiting_decision"
PRE_APPLY_COMPLETED = "pre_apply_completed"
APPLY_QUEUED = "apply_queued"
APPLYING = "applying"
POST_APPLY_RUNNING = "post_apply_running"
POST_APPLY_COMPLETED = "post_apply_completed"
APPLIED = "applied"
DISCARDED = "discarded"
ERRORED = "errored"
CANCELED = "canceled"
STATUSES = (
    PENDING,
    PRE_PLAN_RUNNING,
    PRE_PLAN_AWAITING_DECISION,
    PRE_PLAN_COMPLETED,
    PLAN_QUEUED,
    PLANNING,
    PLANNED,
    PLANNED_AND_FINISHED,
    PLANNED_AND_SAVED,
    POST_PLAN_RUNNING,
    POST_PLAN_AWAITING_DECISION,
    POST_PLAN_COMPLETED,
    CONFIRMED,
    PRE_APPLY_RUNNING,
    PRE_APPLY_AWAITING_DECISION,
    PRE_APPLY_COMPLETED,
    APPLY_QUEUED,
    APPLYING,
    POST_APPLY_RUNNING,
    POST_APPLY_COMPLETED,
    APPLIED,
    DISCARDED,
    ERRORED,
    CANCELED,
)
# The source of runs that the CLI starts with ``backend "remote"``, which prints logs as they are.
OF_REMOTE_BACKEND = "terraform"
FINAL = frozenset({PLANNED_AND_FINISHED, APPLIED, DISCARDED, ERRORED, CANCELED})
AWAITING_DECISION = frozenset({PRE_PLAN_AWAITING_DECISION, POST_PLAN_AWAITING_DECISION, PRE_APPLY_AWAITING_DECISION})
CONFIRMABLE = frozenset({PLANNED, PLANNED_AND_SAVED, POST_PLAN_COMPLETED})
# A person can still say no to it.
DISCARDABLE = frozenset({PENDING, *CONFIRMABLE, *AWAITING_DECISION})
# Policies or run tasks have a say: the stage by the status.
RUNNING_STAGES = {
    PRE_PLAN_RUNNING: PRE_PLAN,
    POST_PLAN_RUNNING: POST_PLAN,
    PRE_APPLY_RUNNING: PRE_APPLY,
    POST_APPLY_RUNNING: POST_APPLY,
}
QUEUED = frozenset({PLAN_QUEUED, APPLY_QUEUED})
WORKING = frozenset({PLANNING, APPLYING})


class Run(WorkspaceChild, Base):
    """A run of a workspace. It holds the lock of the workspace from its plan to its end, unless it only plans."""

    __tablename__ = "runs"
    visible_by: ClassVar[P] = P.RUN_READ
    grant_columns: ClassVar[Mapping[str, str]] = {**WorkspaceChild.grant_columns, Level.RUN_TASK: "id"}

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
    # The run whose apply started this one, and the workspace of that run. No foreign keys: a run outlives both.
    triggering_run_id: Mapped[str | None]
    triggering_source_id: Mapped[str | None]
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
    # The names of its task stages, in their order; null if it has none.
    stages: Mapped[list[str] | None]
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

    def has_stage(self, name: str) -> bool:
        """Whether policies or run tasks have a say at this point of the run."""
        return name in (self.stages or ())
