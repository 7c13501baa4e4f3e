"""The record of every change."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import DDL, BigInteger, ColumnElement, FetchedValue, Index, and_, case, event, false, literal
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.persistence import Base, Name, Timestamp, identifier, now


class ActivityEvent(Base):
    """Who did what to which resource, written in the transaction of the change.

    Ids are plain text without foreign keys, because an event outlives its subject and its actor.
    """

    __tablename__ = "activity_events"
    visible_by: ClassVar[P] = P.ACTIVITY_READ
    grant_columns: ClassVar[Mapping[str, str]] = {
        Level.ORGANIZATION: "organization_id",
        Level.PROJECTS: "project_in",
        Level.WORKSPACES: "workspace_in",
        Level.PROJECT: "shown_project_id",
        Level.PROJECT_ACCESS: "access_project_id",
        Level.ENVIRONMENT: "shown_environment_id",
        Level.CELL: "project_cell_key",
        Level.ENVIRONMENT_CELL: "environment_cell_key",
        Level.WORKSPACE: "shown_workspace_id",
    }
    indexed_grant_columns: ClassVar[frozenset[str]] = frozenset(
        {"shown_project_id", "access_project_id", "shown_workspace_id"}
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("evt"))
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    action: Mapped[str]
    actor_type: Mapped[str]
    actor_id: Mapped[str | None]
    actor_name: Mapped[str]
    token_id: Mapped[str | None]
    # The kind of token: of a user, an organization, a team or a project.
    token_kind: Mapped[str | None]
    request_id: Mapped[str | None]
    organization_id: Mapped[str | None]
    project_id: Mapped[str | None]
    workspace_id: Mapped[str | None]
    # The environment and cell of the subject at that time.
    environment_id: Mapped[str | None]
    cell: Mapped[str | None] = mapped_column(Name)
    # The event reveals who has access to the project, which not every reader of the project may know.
    is_about_access: Mapped[bool] = mapped_column(default=False, server_default=false())
    subject_type: Mapped[str]
    subject_id: Mapped[str]
    subject_name: Mapped[str | None]
    changes: Mapped[dict[str, Any]]
    # The order of events, which no host's clock decides. The database numbers them: PostgreSQL by a sequence, SQLite
    # by a trigger, which a migration that copies the table must make again.
    position: Mapped[int | None] = mapped_column(BigInteger, server_default=FetchedValue())

    __table_args__ = (
        Index("ix_activity_events_organization_id_position", "organization_id", "position"),
        Index("ix_activity_events_project_id_position", "project_id", "position"),
        Index("ix_activity_events_workspace_id_position", "workspace_id", "position"),
        # For the next number on SQLite.
        Index("ix_activity_events_position", "position"),
        # For what happened in some time.
        Index("ix_activity_events_organization_id_created_at", "organization_id", "created_at", "id"),
        Index("ix_activity_events_project_id_created_at", "project_id", "created_at", "id"),
        Index("ix_activity_events_workspace_id_created_at", "workspace_id", "created_at", "id"),
    )

    @hybrid_property
    def shown_project_id(self) -> str | None:
        """The project whose readers see the event."""
        return None if self.is_about_access else self.project_id

    @shown_project_id.inplace.expression
    @classmethod
    def _shown_project_id(cls) -> ColumnElement[str | None]:
        return case((~cls.is_about_access, cls.project_id))

    @hybrid_property
    def access_project_id(self) -> str | None:
        """The project, if callers who manage its members may read the event."""
        return self.project_id if self.is_about_access else None

    @access_project_id.inplace.expression
    @classmethod
    def _access_project_id(cls) -> ColumnElement[str | None]:
        return case((cls.is_about_access, cls.project_id))

    @hybrid_property
    def project_in(self) -> str | None:
        """The organization, if callers who read all its projects may read the event."""
        return None if self.project_id is None or self.is_about_access else self.organization_id

    @project_in.inplace.expression
    @classmethod
    def _project_in(cls) -> ColumnElement[str | None]:
        return case((and_(cls.project_id.is_not(None), ~cls.is_about_access), cls.organization_id))

    @hybrid_property
    def workspace_in(self) -> str | None:
        """The organization, if callers who read all its workspaces may read the event."""
        return None if self.workspace_id is None or self.is_about_access else self.organization_id

    @workspace_in.inplace.expression
    @classmethod
    def _workspace_in(cls) -> ColumnElement[str | None]:
        return case((and_(cls.workspace_id.is_not(None), ~cls.is_about_access), cls.organization_id))

    @hybrid_property
    def shown_workspace_id(self) -> str | None:
        """The workspace whose readers see the event."""
        return None if self.is_about_access else self.workspace_id

    @shown_workspace_id.inplace.expression
    @classmethod
    def _shown_workspace_id(cls) -> ColumnElement[str | None]:
        return case((~cls.is_about_access, cls.workspace_id))

    @hybrid_property
    def shown_environment_id(self) -> str | None:
        """The environment whose readers see the event."""
        return None if self.is_about_access else self.environment_id

    @shown_environment_id.inplace.expression
    @classmethod
    def _shown_environment_id(cls) -> ColumnElement[str | None]:
        return case((~cls.is_about_access, cls.environment_id))

    @hybrid_property
    def project_cell_key(self) -> str | None:
        """The cell in the project whose readers see the event."""
        return None if self.cell is None or self.is_about_access else f"{self.project_id}/{self.cell}"

    @project_cell_key.inplace.expression
    @classmethod
    def _cell_in_project(cls) -> ColumnElement[str | None]:
        return case((~cls.is_about_access, cls.project_id + literal("/") + cls.cell))

    @hybrid_property
    def environment_cell_key(self) -> str | None:
        """The cell in the environment whose readers see the event."""
        return None if self.cell is None or self.is_about_access else f"{self.environment_id}/{self.cell}"

    @environment_cell_key.inplace.expression
    @classmethod
    def _cell_in_environment(cls) -> ColumnElement[str | None]:
        return case((~cls.is_about_access, cls.environment_id + literal("/") + cls.cell))


_ON_SQLITE: Final = """
CREATE TRIGGER activity_events_position AFTER INSERT ON activity_events WHEN NEW.position IS NULL
BEGIN
    UPDATE activity_events SET position = (SELECT coalesce(max(position), 0) + 1 FROM activity_events)
    WHERE id = NEW.id;
END
"""
_ON_POSTGRESQL: Final = (
    "CREATE SEQUENCE activity_events_position OWNED BY activity_events.position",
    "ALTER TABLE activity_events ALTER COLUMN position SET DEFAULT nextval('activity_events_position')",
)
for _kind, _statement in (("sqlite", _ON_SQLITE), *(("postgresql", each) for each in _ON_POSTGRESQL)):
    _ddl = DDL(_statement)  # type: ignore[no-untyped-call]
    event.listen(ActivityEvent.__table__, "after_create", _ddl.execute_if(dialect=_kind))
