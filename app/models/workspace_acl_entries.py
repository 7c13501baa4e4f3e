"""The access list of a workspace."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.models.expiring_grants import expiry_index
from app.models.workspaces import WorkspaceChild
from app.persistence import Base, Timestamp, identifier, now

ACL_LEVELS = ("user", "developer", "admin", "owner")
OWNER = "owner"


class WorkspaceAclEntry(WorkspaceChild, Base):
    """The level of one member of the organization on one workspace."""

    __tablename__ = "workspace_acl_entries"
    visible_by: ClassVar[P] = P.WORKSPACE_READ_ACL
    grant_columns: ClassVar[Mapping[str, str]] = {**WorkspaceChild.grant_columns, Level.MEMBERSHIP: "membership_id"}
    unique_errors: ClassVar[dict[str, str]] = {
        "uq_workspace_acl_entries_membership_id_workspace_id": "relationships/user"
    }

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("acl"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    membership_id: Mapped[str] = mapped_column(ForeignKey("organization_memberships.id", ondelete="CASCADE"))
    level: Mapped[str] = mapped_column()
    # The project in which the member created the workspace, for an entry that came with it and that nobody has changed.
    # It ends with the member's role in that project. No foreign key: a deleted project takes the role along.
    created_in_id: Mapped[str | None] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    # When it ends by itself; null for never.
    expires_at: Mapped[datetime | None] = mapped_column(Timestamp)

    __table_args__ = (
        # The membership first: each request looks up the caller's grants by it.
        UniqueConstraint("membership_id", "workspace_id"),
        Index("ix_workspace_acl_entries_workspace_id_created_at", workspace_id, created_at),
        expiry_index("workspace_acl_entries"),
        CheckConstraint(level.in_(ACL_LEVELS), name="level"),
    )
