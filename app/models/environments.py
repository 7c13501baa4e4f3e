"""Environments."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.models.projects import Project
from app.persistence import Base, Name, Timestamp, identifier, now

DEFAULT_ENVIRONMENT = "default"


class Environment(Base):
    """A part of a project, such as staging. Each workspace is in one environment; one is the project's default."""

    __tablename__ = "environments"
    visible_by: ClassVar[P] = P.ENVIRONMENT_READ
    grant_columns: ClassVar[Mapping[str, str]] = {
        Level.ORGANIZATION: "organization_id",
        Level.PROJECT: "project_id",
        Level.ENVIRONMENT: "id",
    }
    unique_errors: ClassVar[dict[str, str]] = {"uq_environments_project_id_name": "name"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("env"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Name, default=DEFAULT_ENVIRONMENT)
    display_name: Mapped[str | None]
    type: Mapped[str | None]
    description: Mapped[str | None]
    color: Mapped[str | None]
    git_branch: Mapped[str | None]
    is_default: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    updated_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (
        # Also the order of every list of environments.
        Index("uq_environments_project_id_name", project_id, func.lower(name), unique=True),
        # Workspaces refer to both columns, so that their environment is always one of their own project.
        UniqueConstraint("project_id", "id"),
        # Concurrent requests can't give a project two defaults.
        Index(
            "uq_environments_default",
            project_id,
            unique=True,
            sqlite_where=text("is_default = 1"),
            postgresql_where=text("is_default"),
        ),
    )


def default_environment(project: Project) -> Environment:
    """The environment that is created with every project."""
    return Environment(
        organization_id=project.organization_id,
        project_id=project.id,
        name=DEFAULT_ENVIRONMENT,
        is_default=True,
    )
