"""Projects."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.persistence import Base, Name, Timestamp, identifier, now
from app.resources.organizations.model import EXECUTION_MODES

DEFAULT_PROJECT = "Default Project"


class Project(Base):
    """A container of workspaces. Settings that are null are the organization's."""

    __tablename__ = "projects"
    scope: ClassVar[dict[str, str]] = {"organization": "organization_id", "project": "id"}
    taken: ClassVar[dict[str, str]] = {"uq_projects_organization_id_name": "name"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("prj"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Name)
    description: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    is_default: Mapped[bool] = mapped_column(default=False)
    auto_destroy_activity_duration: Mapped[str | None]
    own_execution_mode: Mapped[str | None] = mapped_column()
    # Where that mode is agent; why it is no foreign key says the table of pools.
    own_agent_pool_id: Mapped[str | None] = mapped_column(index=True)

    __table_args__ = (
        # Uniqueness without regard to case, and the order of every list of projects.
        # It carries what cuts a page, so that the rows before the page need no visit.
        Index(
            "uq_projects_organization_id_name",
            organization_id,
            func.lower(name),
            unique=True,
            postgresql_include=["id", "name"],
        ),
        # For counting all projects of an organization: nothing is smaller to read.
        Index("ix_projects_organization_id", organization_id),
        Index(
            "uq_projects_default",
            organization_id,
            unique=True,
            sqlite_where=text("is_default = 1"),
            postgresql_where=text("is_default"),
        ),
        CheckConstraint(own_execution_mode.in_(EXECUTION_MODES), name="own_execution_mode"),
    )
