"""What a team may do on a workspace."""

from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, UniqueConstraint, case, select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.persistence import Base, identifier
from app.resources.teams.model import Team
from app.resources.workspaces.model import Workspace

ACCESS_LEVELS = ("read", "plan", "write", "admin", "custom")


class TeamWorkspace(Base):
    """The access of one team to one workspace. ``details`` is kept for the custom level only; others are fixed."""

    __tablename__ = "team_workspaces"
    scope: ClassVar[dict[str, str]] = {
        "organization": "organization_id",
        "project": "shown_project_id",
        "workspace": "shown_workspace_id",
    }
    taken: ClassVar[dict[str, str]] = {"uq_team_workspaces_team_id_workspace_id": "relationships/team"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("tws"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    access: Mapped[str] = mapped_column()
    details: Mapped[dict[str, Any] | None]

    team: Mapped[Team] = relationship(lazy="joined", innerjoin=True, viewonly=True)
    workspace: Mapped[Workspace] = relationship(lazy="joined", innerjoin=True, viewonly=True)

    __table_args__ = (
        # The team first: the caller's grants are looked up by their teams, at each request.
        UniqueConstraint("team_id", "workspace_id"),
        CheckConstraint(access.in_(ACCESS_LEVELS), name="access"),
    )

    @hybrid_property
    def shown_workspace_id(self) -> str | None:
        """The workspace whose administrators see this access: those of a workspace do not see secret teams."""
        return self.workspace_id if self.team.visibility == "organization" else None

    @shown_workspace_id.inplace.expression
    @classmethod
    def _shown_workspace_id(cls) -> ColumnElement[str | None]:
        visibility = select(Team.visibility).where(Team.id == cls.team_id).correlate_except(Team).scalar_subquery()
        return case((visibility == "organization", cls.workspace_id))

    @hybrid_property
    def shown_project_id(self) -> str | None:
        """The project of that workspace, for who administers all workspaces of the project."""
        return self.workspace.project_id if self.team.visibility == "organization" else None

    @shown_project_id.inplace.expression
    @classmethod
    def _shown_project_id(cls) -> ColumnElement[str | None]:
        visibility = select(Team.visibility).where(Team.id == cls.team_id).correlate_except(Team).scalar_subquery()
        project = select(Workspace.project_id).where(Workspace.id == cls.workspace_id).correlate_except(Workspace)
        return case((visibility == "organization", project.scalar_subquery()))
