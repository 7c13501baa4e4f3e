"""Projects."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, false, func, text
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.models.organizations import EXECUTION_MODES
from app.persistence import Base, Name, Timestamp, identifier, now

DEFAULT_PROJECT = "Default Project"
SLUG_LENGTH = 63
# The slug of a name without any letter or digit.
NAMELESS = "project"


def slug_of(name: str) -> str:
    """The name as part of an address: lower-case letters and digits with single hyphens between them."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[:SLUG_LENGTH].strip("-") or NAMELESS


def _slug_of_row(context: DefaultExecutionContext) -> str:
    return slug_of(str(context.get_current_parameters()["name"]))  # type: ignore[no-untyped-call]


class Project(Base):
    """A container of workspaces. Settings that are null are the organization's."""

    __tablename__ = "projects"
    visible_by: ClassVar[P] = P.PROJECT_READ
    grant_columns: ClassVar[Mapping[str, str]] = {Level.ORGANIZATION: "organization_id", Level.PROJECT: "id"}
    unique_errors: ClassVar[dict[str, str]] = {
        "uq_projects_organization_id_name": "name",
        "uq_projects_organization_id_slug": "slug",
    }

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("prj"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Name)
    description: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    # Null until the first change.
    updated_at: Mapped[datetime | None] = mapped_column(Timestamp, onupdate=now)
    is_default: Mapped[bool] = mapped_column(default=False)
    auto_destroy_activity_duration: Mapped[str | None]
    own_execution_mode: Mapped[str | None] = mapped_column()
    # Set if that mode is agent. Not a foreign key: see ``AgentPool``.
    own_agent_pool_id: Mapped[str | None] = mapped_column(index=True)
    slug: Mapped[str] = mapped_column(Name, default=_slug_of_row)
    # New columns also have a default in the database, for the rows that exist already.
    public_read: Mapped[bool] = mapped_column(default=False, server_default=false())
    # SQLAlchemy reserves the name ``metadata``.
    custom_metadata: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    cloud_provider_id: Mapped[str | None]
    display_name: Mapped[str | None]
    color: Mapped[str | None]
    single_server_mode: Mapped[bool] = mapped_column(default=False, server_default=false())
    default_server_id: Mapped[str | None]
    auto_error_tracking_enabled: Mapped[bool] = mapped_column(default=False, server_default=false())

    __table_args__ = (
        # Uniqueness without regard to case, and the order of every list of projects.
        # The included columns decide where a page begins, so the rows before the page are not read.
        Index(
            "uq_projects_organization_id_name",
            organization_id,
            func.lower(name),
            unique=True,
            postgresql_include=["id", "name"],
        ),
        Index("uq_projects_organization_id_slug", organization_id, slug, unique=True),
        # For counting all projects of an organization: the smallest index to read.
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
