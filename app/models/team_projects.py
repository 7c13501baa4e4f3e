"""Access of teams to projects."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, UniqueConstraint, case, select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.authz.permissions import P
from app.authz.policy import Level
from app.models.expiring_grants import expiry_index
from app.models.teams import Team
from app.persistence import Base, Timestamp, identifier

ACCESS_LEVELS = ("read", "write", "maintain", "admin", "custom")


class TeamProject(Base):
    """The access of one team to one project. ``details`` is stored only for the custom level."""

    __tablename__ = "team_projects"
    visible_by: ClassVar[P] = P.PROJECT_READ_TEAMS
    access_sensitive: ClassVar[bool] = True
    grant_columns: ClassVar[Mapping[str, str]] = {
        Level.ORGANIZATION: "organization_id",
        Level.PROJECT: "shown_project_id",
    }
    unique_errors: ClassVar[dict[str, str]] = {"uq_team_projects_team_id_project_id": "relationships/team"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("tprj"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    access: Mapped[str] = mapped_column()
    details: Mapped[dict[str, Any] | None]
    # When it ends by itself; null for never.
    expires_at: Mapped[datetime | None] = mapped_column(Timestamp)

    team: Mapped[Team] = relationship(lazy="joined", innerjoin=True, viewonly=True)

    __table_args__ = (
        # The team first: each request looks up the caller's grants by their teams.
        UniqueConstraint("team_id", "project_id"),
        expiry_index("team_projects"),
        CheckConstraint(access.in_(ACCESS_LEVELS), name="access"),
    )

    @hybrid_property
    def shown_project_id(self) -> str | None:
        """The project whose administrators see this access; None for a secret team, which they can't see."""
        return self.project_id if self.team.visibility == "organization" else None

    @shown_project_id.inplace.expression
    @classmethod
    def _shown_project_id(cls) -> ColumnElement[str | None]:
        visibility = select(Team.visibility).where(Team.id == cls.team_id).scalar_subquery()
        return case((visibility == "organization", cls.project_id))
