"""Access of teams to workspaces."""

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
from app.models.workspaces import Workspace
from app.persistence import Base, Expression, Timestamp, identifier

ACCESS_LEVELS = ("read", "plan", "write", "admin", "custom")


class TeamWorkspace(Base):
    """The access of one team to one workspace. ``details`` is stored only for the custom level."""

    __tablename__ = "team_workspaces"
    visible_by: ClassVar[P] = P.WORKSPACE_MANAGE_TEAMS
    access_sensitive: ClassVar[bool] = True
    grant_columns: ClassVar[Mapping[str, str]] = {
        Level.ORGANIZATION: "organization_id",
        Level.PROJECT: "shown_project_id",
        Level.ENVIRONMENT: "shown_environment_id",
        Level.CELL: "shown_cell_in_project",
        Level.ENVIRONMENT_CELL: "shown_cell_in_environment",
        Level.WORKSPACE: "shown_workspace_id",
    }
    unique_errors: ClassVar[dict[str, str]] = {"uq_team_workspaces_team_id_workspace_id": "relationships/team"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("tws"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    access: Mapped[str] = mapped_column()
    details: Mapped[dict[str, Any] | None]
    # When it ends by itself; null for never.
    expires_at: Mapped[datetime | None] = mapped_column(Timestamp)

    team: Mapped[Team] = relationship(lazy="joined", innerjoin=True, viewonly=True)
    workspace: Mapped[Workspace] = relationship(lazy="joined", innerjoin=True, viewonly=True)

    __table_args__ = (
        # The team first: each request looks up the caller's grants by their teams.
        UniqueConstraint("team_id", "workspace_id"),
        expiry_index("team_workspaces"),
        CheckConstraint(access.in_(ACCESS_LEVELS), name="access"),
    )

    @hybrid_property
    def shown_workspace_id(self) -> str | None:
        """The workspace whose administrators see this access; None for a secret team, which they can't see."""
        return self.workspace_id if self._is_shown else None

    @shown_workspace_id.inplace.expression
    @classmethod
    def _shown_workspace_id(cls) -> ColumnElement[str | None]:
        return cls._shown(cls.workspace_id)

    @hybrid_property
    def shown_project_id(self) -> str | None:
        """The project whose administrators of all workspaces see this access."""
        return self.workspace.project_id if self._is_shown else None

    @shown_project_id.inplace.expression
    @classmethod
    def _shown_project_id(cls) -> ColumnElement[str | None]:
        return cls._shown(cls._of_workspace(Workspace.project_id))

    @hybrid_property
    def shown_environment_id(self) -> str | None:
        """The environment whose workspace administrators see this access."""
        return self.workspace.environment_id if self._is_shown else None

    @shown_environment_id.inplace.expression
    @classmethod
    def _shown_environment_id(cls) -> ColumnElement[str | None]:
        return cls._shown(cls._of_workspace(Workspace.environment_id))

    @hybrid_property
    def shown_cell_in_project(self) -> str | None:
        """The cell in the project whose workspace administrators see this access."""
        return self.workspace.project_cell_key if self._is_shown else None

    @shown_cell_in_project.inplace.expression
    @classmethod
    def _shown_cell_in_project(cls) -> ColumnElement[str | None]:
        return cls._shown(cls._of_workspace(Workspace.project_cell_key))

    @hybrid_property
    def shown_cell_in_environment(self) -> str | None:
        """The cell in the environment whose workspace administrators see this access."""
        return self.workspace.environment_cell_key if self._is_shown else None

    @shown_cell_in_environment.inplace.expression
    @classmethod
    def _shown_cell_in_environment(cls) -> ColumnElement[str | None]:
        return cls._shown(cls._of_workspace(Workspace.environment_cell_key))

    @property
    def _is_shown(self) -> bool:
        return self.team.visibility == "organization"

    @classmethod
    def _shown(cls, column: Expression) -> ColumnElement[str | None]:
        visibility = select(Team.visibility).where(Team.id == cls.team_id).correlate_except(Team).scalar_subquery()
        return case((visibility == "organization", column))

    @classmethod
    def _of_workspace(cls, column: Expression) -> Expression:
        found = select(column).where(Workspace.id == cls.workspace_id).correlate_except(Workspace)
        return found.scalar_subquery()
