"""Assessments of the health of workspaces: whether what exists has drifted, and whether checks hold."""

from datetime import datetime
from typing import ClassVar, Final

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.models.workspaces import WorkspaceChild
from app.persistence import Base, Timestamp, identifier, now

# The source of the runs that assess, and the reason that they show.
SOURCE: Final = "tfe-assessment"
REASON: Final = "assessment"
READ_ASSESSMENT: Final = "read-assessment"


class AssessmentResult(WorkspaceChild, Base):
    """What a plan-only run that refreshes has found. The counts are null if it did not succeed."""

    __tablename__ = "assessment_results"
    visible_by: ClassVar[P] = P.RUN_READ

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("asmtres"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), unique=True)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    succeeded: Mapped[bool]
    drifted: Mapped[bool] = mapped_column(default=False)
    all_checks_succeeded: Mapped[bool] = mapped_column(default=True)
    resources_drifted: Mapped[int | None]
    resources_undrifted: Mapped[int | None]
    checks_passed: Mapped[int | None]
    checks_failed: Mapped[int | None]
    checks_errored: Mapped[int | None]
    checks_unknown: Mapped[int | None]
    error_message: Mapped[str | None]

    __table_args__ = (Index("ix_assessment_results_workspace_id_created_at", workspace_id, created_at),)
