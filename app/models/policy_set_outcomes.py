"""Policy set outcomes: what each policy of a set says about the plan of a run."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.models.workspaces import WorkspaceChild
from app.persistence import Base, Timestamp, identifier, now


class PolicySetOutcome(WorkspaceChild, Base):
    """A set of policies as it was when the plan was finished, and what its policies said. The set may be gone since."""

    __tablename__ = "policy_set_outcomes"
    visible_by: ClassVar[P] = P.RUN_READ

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("psout"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    policy_evaluation_id: Mapped[str] = mapped_column(ForeignKey("policy_evaluations.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column()
    policy_set_name: Mapped[str]
    policy_set_description: Mapped[str | None]
    overridable: Mapped[bool]
    policy_tool_version: Mapped[str | None]
    # ``{"policies": […]}``, in the form of the answer: name, query, enforcement level, description, status, output.
    outcomes: Mapped[dict[str, Any]]
    error: Mapped[str | None]
    passed: Mapped[int] = mapped_column(default=0)
    advisory_failed: Mapped[int] = mapped_column(default=0)
    mandatory_failed: Mapped[int] = mapped_column(default=0)
    errored: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (
        Index("uq_policy_set_outcomes_policy_evaluation_id_position", policy_evaluation_id, position, unique=True),
    )
