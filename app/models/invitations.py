"""Invitations."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, and_, case, func, or_, select, text
from sqlalchemy.orm import Mapped, column_property, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.models.project_members import PROJECT_ROLES
from app.models.users import User
from app.models.workspace_acl_entries import ACL_LEVELS
from app.models.workspaces import Workspace, of_workspace
from app.persistence import Base, Name, Timestamp, case_folded, identifier, now

PENDING, ACCEPTED, CANCELED = "pending", "accepted", "canceled"
STATUSES = (PENDING, ACCEPTED, CANCELED)
# The status that is shown for a pending invitation that is too old.
EXPIRED = "expired"


class Invitation(Base):
    """An offer to join a project or a workspace, made to an e-mail address.

    Its link contains the id and the ``nonce``, signed. A new nonce makes earlier links invalid.
    """

    __tablename__ = "invitations"
    visible_by: ClassVar[P] = P.INVITATION_MANAGE
    access_sensitive: ClassVar[bool] = True
    # Managers of a project's members see invitations to it; administrators of a workspace see those to the workspace.
    grant_columns: ClassVar[Mapping[str, str]] = {
        Level.ORGANIZATION: "organization_id",
        Level.WORKSPACES: "workspace_organization_id",
        Level.PROJECT_ACCESS: "project_id",
        Level.PROJECT: "workspace_project_id",
        Level.ENVIRONMENT: "workspace_environment_id",
        Level.CELL: "workspace_cell_in_project",
        Level.ENVIRONMENT_CELL: "workspace_cell_in_environment",
        Level.WORKSPACE: "workspace_id",
        # The user who has the address sees it, to accept it.
        Level.USER: "invitee_id",
    }
    unique_errors: ClassVar[dict[str, str]] = {
        "uq_invitations_project_id_email": "email",
        "uq_invitations_workspace_id_email": "email",
    }

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("inv"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    # Exactly one of the two is set.
    project_id: Mapped[str | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    workspace_id: Mapped[str | None] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(Name)
    # A role in the project, or a level on the workspace.
    role: Mapped[str] = mapped_column()
    # The environment that the role is limited to. No foreign key: accepting after it was deleted must be refused.
    environment_id: Mapped[str | None]
    cells: Mapped[list[str] | None]
    nonce: Mapped[str]
    status: Mapped[str] = mapped_column(default=PENDING)
    invited_by_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    accepted_by_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    expires_at: Mapped[datetime] = mapped_column(Timestamp)
    # When the mail server last took the message.
    sent_at: Mapped[datetime | None] = mapped_column(Timestamp)

    # The present project, environment and cell of the workspace.
    workspace_project_id: Mapped[str | None] = column_property(
        of_workspace(Workspace.project_id, workspace_id),
        expire_on_flush=False,
    )
    workspace_environment_id: Mapped[str | None] = column_property(
        of_workspace(Workspace.environment_id, workspace_id),
        expire_on_flush=False,
    )
    workspace_cell_in_project: Mapped[str | None] = column_property(
        of_workspace(Workspace.project_cell_key, workspace_id),
        expire_on_flush=False,
    )
    workspace_cell_in_environment: Mapped[str | None] = column_property(
        of_workspace(Workspace.environment_cell_key, workspace_id),
        expire_on_flush=False,
    )
    workspace_organization_id: Mapped[str | None] = column_property(
        case((workspace_id.is_not(None), organization_id)),
        expire_on_flush=False,
    )
    # The user who has accepted it, or who has the address at present.
    invitee_id: Mapped[str | None] = column_property(
        func.coalesce(
            accepted_by_id,
            select(User.__table__.c.id)
            .where(case_folded(User.__table__.c.email) == case_folded(email))
            .correlate_except(User)
            .scalar_subquery(),
        ),
        expire_on_flush=False,
    )

    @property
    def is_expired(self) -> bool:
        """Whether it is still pending although its time has passed."""
        return self.status == PENDING and self.expires_at <= now()

    __table_args__ = (
        # One pending invitation per address; accepted and canceled ones are history.
        Index(
            "uq_invitations_project_id_email",
            project_id,
            func.lower(email),
            unique=True,
            sqlite_where=text("status = 'pending'"),
            postgresql_where=text("status = 'pending'"),
        ),
        Index(
            "uq_invitations_workspace_id_email",
            workspace_id,
            func.lower(email),
            unique=True,
            sqlite_where=text("status = 'pending'"),
            postgresql_where=text("status = 'pending'"),
        ),
        Index("ix_invitations_email", func.lower(email)),
        Index("ix_invitations_project_id_created_at", project_id, created_at),
        Index("ix_invitations_workspace_id_created_at", workspace_id, created_at),
        CheckConstraint(status.in_(STATUSES), name="status"),
        CheckConstraint(
            or_(
                and_(project_id.is_not(None), workspace_id.is_(None), role.in_(PROJECT_ROLES)),
                and_(project_id.is_(None), workspace_id.is_not(None), role.in_(ACL_LEVELS)),
            ),
            name="place",
        ),
    )


class InvitationMessage(Base):
    """A link made for an address, or a verification sent to it by somebody's notification configuration.

    It outlives both, so that the limits on sent mail still count it.
    """

    __tablename__ = "invitation_messages"

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("ims"))
    # Or that of the notification configuration.
    invitation_id: Mapped[str] = mapped_column()
    # In lower case.
    address: Mapped[str] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now, index=True)

    __table_args__ = (
        Index("ix_invitation_messages_invitation_id_created_at", invitation_id, created_at),
        Index("ix_invitation_messages_address_created_at", address, created_at),
    )
