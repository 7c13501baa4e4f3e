"""Run tasks: services outside that are asked about a run in its stages, and what they have answered."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, false, func
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.models.workspaces import WorkspaceChild
from app.persistence import Base, Name, Timestamp, identifier, now
from app.storage.sealed import SEALED

ADVISORY: Final = "advisory"
MANDATORY: Final = "mandatory"
ENFORCEMENT_LEVELS: Final = (ADVISORY, MANDATORY)

PENDING: Final = "pending"
RUNNING: Final = "running"
PASSED: Final = "passed"
FAILED: Final = "failed"
ERRORED: Final = "errored"
CANCELED: Final = "canceled"
UNREACHABLE: Final = "unreachable"
STATUSES: Final = (PENDING, RUNNING, PASSED, FAILED, ERRORED, CANCELED, UNREACHABLE)
OPEN: Final = frozenset({PENDING, RUNNING})


class RunTask(Base):
    """A service outside that can be asked about runs. Each workspace says in which stages, or the task is global."""

    __tablename__ = "run_tasks"
    visible_by: ClassVar[P] = P.RUN_TASK_READ
    grant_columns: ClassVar[Mapping[str, str]] = {Level.ORGANIZATION: "organization_id"}
    unique_errors: ClassVar[dict[str, str]] = {"uq_run_tasks_organization_id_name": "name"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("task"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Name)
    description: Mapped[str | None]
    url: Mapped[str]
    # The key of the signatures of requests.
    sealed_hmac_key: Mapped[str | None] = mapped_column(info=SEALED)
    enabled: Mapped[bool] = mapped_column(default=True)
    # Whether all workspaces ask it, in which stages, and whether its no stops a run.
    global_enabled: Mapped[bool] = mapped_column(default=False, server_default=false())
    global_stages: Mapped[list[str]] = mapped_column(default=list)
    global_enforcement_level: Mapped[str] = mapped_column(default=ADVISORY)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    updated_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (
        Index("uq_run_tasks_organization_id_name", organization_id, func.lower(name), unique=True),
        CheckConstraint(global_enforcement_level.in_(ENFORCEMENT_LEVELS), name="global_enforcement_level"),
    )


class WorkspaceTask(WorkspaceChild, Base):
    """That the runs of a workspace ask a run task, in which stages, and whether its no stops a run."""

    __tablename__ = "workspace_tasks"
    visible_by: ClassVar[P] = P.WORKSPACE_READ
    unique_errors: ClassVar[dict[str, str]] = {"uq_workspace_tasks_workspace_id_task_id": "relationships/task"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("wstask"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    task_id: Mapped[str] = mapped_column(ForeignKey("run_tasks.id", ondelete="CASCADE"), index=True)
    stages: Mapped[list[str]] = mapped_column(default=list)
    enforcement_level: Mapped[str] = mapped_column(default=ADVISORY)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    updated_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (
        UniqueConstraint("workspace_id", "task_id"),
        CheckConstraint(enforcement_level.in_(ENFORCEMENT_LEVELS), name="enforcement_level"),
    )


class TaskResult(WorkspaceChild, Base):
    """What a run task says about a stage of a run. It keeps what the task was, which may be changed or deleted."""

    __tablename__ = "task_results"
    visible_by: ClassVar[P] = P.RUN_READ
    grant_columns: ClassVar[Mapping[str, str]] = {**WorkspaceChild.grant_columns, Level.RUN_TASK: "id"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("taskrs"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    task_stage_id: Mapped[str] = mapped_column(ForeignKey("task_stages.id", ondelete="CASCADE"))
    # No foreign keys: the result outlives both.
    task_id: Mapped[str]
    workspace_task_id: Mapped[str | None]
    task_name: Mapped[str]
    task_url: Mapped[str]
    enforcement_level: Mapped[str]
    status: Mapped[str] = mapped_column(default=PENDING)
    status_timestamps: Mapped[dict[str, Any]] = mapped_column(default=dict)
    message: Mapped[str | None]
    url: Mapped[str | None]
    is_overridden: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    updated_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (
        UniqueConstraint("task_stage_id", "task_id"),
        CheckConstraint("status IN " + str(STATUSES), name="status"),
    )

    @property
    def name(self) -> str:
        """The name of the result in the record of activity."""
        return self.task_name

    def enter(self, status: str) -> None:
        """Give the result a new status."""
        moment = now()
        self.status, self.updated_at = status, moment
        self.status_timestamps = {**self.status_timestamps, f"{status}-at": f"{moment:%Y-%m-%dT%H:%M:%S}+00:00"}


class TaskResultOutcome(WorkspaceChild, Base):
    """One of the findings of a result."""

    __tablename__ = "task_result_outcomes"
    visible_by: ClassVar[P] = P.RUN_READ

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("taskrso"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    task_result_id: Mapped[str] = mapped_column(ForeignKey("task_results.id", ondelete="CASCADE"))
    # The receiver's own name of the finding.
    outcome_id: Mapped[str] = mapped_column(Name)
    position: Mapped[int]
    description: Mapped[str]
    body: Mapped[str | None]
    url: Mapped[str | None]
    # ``{"Status": [{"label": "Denied", "level": "error"}]}``
    tags: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (UniqueConstraint("task_result_id", "outcome_id"),)
