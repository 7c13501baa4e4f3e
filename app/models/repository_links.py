"""Links of projects to repositories."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.persistence import Base, Name, Timestamp, identifier, now


class RepositoryLink(Base):
    """A repository with code of a project."""

    __tablename__ = "repository_links"
    visible_by: ClassVar[P] = P.PROJECT_READ
    grant_columns: ClassVar[Mapping[str, str]] = {Level.ORGANIZATION: "organization_id", Level.PROJECT: "project_id"}
    unique_errors: ClassVar[dict[str, str]] = {"uq_repository_links_project_id_url": "url"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("rl"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    url: Mapped[str] = mapped_column(Name)
    provider: Mapped[str | None]
    default_branch: Mapped[str | None]
    directory: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (Index("uq_repository_links_project_id_url", project_id, func.lower(url), unique=True),)
