"""Variable sets and where they apply."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, case, or_, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.persistence import Base, Name, Timestamp, identifier, now


class Varset(Base):
    """A set of variables, owned by its organization or, with ``project_id``, by a project of it."""

    __tablename__ = "varsets"
    visible_by: ClassVar[P] = P.VARSET_READ
    grant_columns: ClassVar[Mapping[str, str]] = {
        Level.ORGANIZATION: "organization_id",
        Level.SHARED_VARSETS: "shared_in",
        Level.PROJECT: "project_id",
    }
    unique_errors: ClassVar[dict[str, str]] = {
        "uq_varsets_organization_id_name": "name",
        "uq_varsets_project_id_name": "name",
    }

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("varset"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    project_id: Mapped[str | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Name)
    description: Mapped[str] = mapped_column(default="")
    is_global: Mapped[bool] = mapped_column(default=False)
    priority: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    updated_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (
        # Names are unique with regard to case, because precedence also compares their code points.
        Index(
            "uq_varsets_organization_id_name",
            "organization_id",
            "name",
            unique=True,
            sqlite_where=text("project_id IS NULL"),
            postgresql_where=text("project_id IS NULL"),
        ),
        Index("uq_varsets_project_id_name", "project_id", "name", unique=True),
        Index("ix_varsets_organization_id_name", "organization_id", "name"),
        CheckConstraint(or_(~is_global, project_id.is_(None)), name="global"),
    )

    @hybrid_property
    def shared_in(self) -> str | None:
        """The organization, if it owns the set itself; None for a set of a project."""
        return self.organization_id if self.project_id is None else None

    @shared_in.inplace.expression
    @classmethod
    def _shared_in(cls) -> ColumnElement[str | None]:
        return case((cls.project_id.is_(None), cls.organization_id))


class VarsetWorkspace(Base):
    """A set applied to a workspace."""

    __tablename__ = "varset_workspaces"

    varset_id: Mapped[str] = mapped_column(ForeignKey("varsets.id", ondelete="CASCADE"), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    )


class VarsetProject(Base):
    """A set applied to all workspaces of a project."""

    __tablename__ = "varset_projects"

    varset_id: Mapped[str] = mapped_column(ForeignKey("varsets.id", ondelete="CASCADE"), primary_key=True)
    project_id: Mapped[str] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    )
