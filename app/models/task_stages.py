"""Task stages: the points of a run at which policies and run tasks have a say."""

from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.models.workspaces import WorkspaceChild
from app.persistence import Base, Timestamp, identifier, now

PRE_PLAN, POST_PLAN, PRE_APPLY, POST_APPLY = "pre_plan", "post_plan", "pre_apply", "post_apply"
STAGES: Final = (PRE_PLAN, POST_PLAN, PRE_APPLY, POST_APPLY)
# A run that only plans reaches no more.
OF_PLANS: Final = (PRE_PLAN, POST_PLAN)

PENDING = "pending"
RUNNING = "running"
PASSED = "passed"
FAILED = "failed"
AWAITING_OVERRIDE = "awaiting_override"
ERRORED = "errored"
CANCELED = "canceled"
UNREACHABLE = "unreachable"
STATUSES: Final = (PENDING, RUNNING, PASSED, FAILED, AWAITING_OVERRIDE, ERRORED, CANCELED, UNREACHABLE)
OPEN: Final = frozenset({PENDING, RUNNING, AWAITING_OVERRIDE})


class TaskStage(WorkspaceChild, Base):
    """A stage of a run. A run has only those in which something has a say, and has them from its beginning on.

    ``Run.stages`` has the same names, so that a run without stages costs no look-up.
    """

    __tablename__ = "task_stages"
    visible_by: ClassVar[P] = P.RUN_READ

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("ts"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    stage: Mapped[str]
    # The order in which the stages of a run happen.
    position: Mapped[int]
    status: Mapped[str] = mapped_column(default=PENDING)
    status_timestamps: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    updated_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (
        UniqueConstraint("run_id", "position"),
        CheckConstraint("stage IN " + str(STAGES), name="stage"),
        CheckConstraint("status IN " + str(STATUSES), name="status"),
    )

    def enter(self, status: str) -> None:
        """Give the stage a new status."""
        moment = now()
        self.status, self.updated_at = status, moment
        self.status_timestamps = {**self.status_timestamps, f"{status}-at": f"{moment:%Y-%m-%dT%H:%M:%S}+00:00"}
