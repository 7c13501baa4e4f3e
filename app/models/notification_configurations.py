"""Notification configurations: whom to tell what happens in a workspace, in those of a project, or in a team."""

from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, and_, false, func, or_
from sqlalchemy.orm import Mapped, column_property, mapped_column

from app.authz.permissions import P
from app.models.workspaces import ProjectScoped, Workspace, of_workspace
from app.persistence import Base, Name, Timestamp, identifier, now
from app.storage.sealed import SEALED

EMAIL: Final = "email"
GENERIC: Final = "generic"
SLACK: Final = "slack"
MICROSOFT_TEAMS: Final = "microsoft-teams"
DESTINATION_TYPES: Final = (EMAIL, GENERIC, SLACK, MICROSOFT_TEAMS)

RUN_TRIGGERS: Final = (
    "run:created",
    "run:planning",
    "run:needs_attention",
    "run:applying",
    "run:completed",
    "run:errored",
)
ASSESSMENT_TRIGGERS: Final = ("assessment:drifted", "assessment:check_failure", "assessment:failed")
WORKSPACE_TRIGGERS: Final = ("workspace:auto_destroy_reminder", "workspace:auto_destroy_run_results")
TRIGGERS: Final = (*RUN_TRIGGERS, *ASSESSMENT_TRIGGERS, *WORKSPACE_TRIGGERS)
# Of teams. There are no change requests, so it never happens.
TEAM_TRIGGERS: Final = ("change_request:created", "team:change_request")

Json = list[dict[str, Any]]

new_id = identifier("nc")


class NotificationConfiguration(ProjectScoped, Base):
    """A destination, and what it is told. Exactly one of workspace, project and team is set.

    That one says who sees and changes it, so there are no columns for grants.
    """

    __tablename__ = "notification_configurations"
    visible_by: ClassVar[P] = P.WORKSPACE_MANAGE_NOTIFICATIONS

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[str | None] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    own_project_id: Mapped[str | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    team_id: Mapped[str | None] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Name)
    enabled: Mapped[bool] = mapped_column(default=False, server_default=false())
    destination_type: Mapped[str] = mapped_column()
    url: Mapped[str | None]
    # The key of the signatures of generic ones.
    sealed_token: Mapped[str | None] = mapped_column(info=SEALED)
    triggers: Mapped[list[str]] = mapped_column(default=list)
    email_addresses: Mapped[list[str]] = mapped_column(default=list)
    # Members of the organization. Whoever has left it gets nothing.
    user_ids: Mapped[list[str]] = mapped_column(default=list)
    email_all_members: Mapped[bool] = mapped_column(default=False, server_default=false())
    # The last one alone, without secrets.
    delivery_responses: Mapped[Json] = mapped_column(JSON(none_as_null=True), default=list)
    # When a verification was last asked for.
    verified_at: Mapped[datetime | None] = mapped_column(Timestamp)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    updated_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    # Where its events belong: to its project, or to that of its workspace with environment and cell.
    project_id: Mapped[str | None] = column_property(  # type: ignore[assignment]
        func.coalesce(own_project_id, of_workspace(Workspace.project_id, workspace_id)), expire_on_flush=False
    )
    environment_id: Mapped[str | None] = column_property(  # type: ignore[assignment]
        of_workspace(Workspace.environment_id, workspace_id), expire_on_flush=False
    )
    cell: Mapped[str | None] = column_property(of_workspace(Workspace.cell, workspace_id), expire_on_flush=False)

    __table_args__ = (
        Index("ix_notification_configurations_workspace_id_name", workspace_id, name),
        Index("ix_notification_configurations_own_project_id_name", own_project_id, name),
        Index("ix_notification_configurations_team_id_name", team_id, name),
        CheckConstraint(destination_type.in_(DESTINATION_TYPES), name="destination_type"),
        CheckConstraint(
            or_(
                and_(workspace_id.is_not(None), own_project_id.is_(None), team_id.is_(None)),
                and_(workspace_id.is_(None), own_project_id.is_not(None), team_id.is_(None)),
                and_(workspace_id.is_(None), own_project_id.is_(None), team_id.is_not(None)),
            ),
            name="subscribable",
        ),
    )
