"""Run triggers: an apply of one workspace starts a run of another."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.models.workspaces import WorkspaceChild
from app.persistence import Base, Timestamp, identifier, now


class RunTrigger(WorkspaceChild, Base):
    """After each apply of the source a run of ``workspace_id`` is queued; both are of one organization."""

    __tablename__ = "run_triggers"
    visible_by: ClassVar[P] = P.RUN_READ
    unique_errors: ClassVar[dict[str, str]] = {"uq_run_triggers_workspace_id_source_id": "relationships/sourceable"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("rt"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    source_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (UniqueConstraint("workspace_id", "source_id"),)
