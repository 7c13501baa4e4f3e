"""Members of projects."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, and_, func, literal_column, or_
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.models.expiring_grants import expiry_index
from app.persistence import Base, Timestamp, identifier, now

PROJECT_ROLES = ("viewer", "member", "admin", "owner")
OWNER = "owner"


class ProjectMember(Base):
    """The role of one member of the organization in one project. A member may have one in each environment, too.

    With an environment, the role is limited to it. With cells, it is limited to those: null means all cells, an empty
    list none. An owner is never limited.
    """

    __tablename__ = "project_members"
    visible_by: ClassVar[P] = P.PROJECT_READ_MEMBERS
    grant_columns: ClassVar[Mapping[str, str]] = {
        Level.ORGANIZATION: "organization_id",
        Level.PROJECT: "project_id",
        Level.MEMBERSHIP: "membership_id",
    }
    unique_errors: ClassVar[dict[str, str]] = {"uq_project_members_place": "relationships/user"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("pm"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    # A user who leaves the organization loses all roles in it.
    membership_id: Mapped[str] = mapped_column(ForeignKey("organization_memberships.id", ondelete="CASCADE"))
    role: Mapped[str] = mapped_column()
    # A role that is limited to an environment is deleted with it.
    environment_id: Mapped[str | None] = mapped_column(
        ForeignKey("environments.id", ondelete="CASCADE"),
        index=True,
    )
    cells: Mapped[list[str] | None] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    # When it ends by itself; null for never.
    expires_at: Mapped[datetime | None] = mapped_column(Timestamp)

    __table_args__ = (
        # The membership first: each request looks up the caller's grants by it.
        Index(
            "uq_project_members_place",
            membership_id,
            project_id,
            func.coalesce(environment_id, literal_column("''")),
            unique=True,
        ),
        Index("ix_project_members_project_id_created_at", project_id, created_at),
        expiry_index("project_members"),
        CheckConstraint(role.in_(PROJECT_ROLES), name="role"),
        CheckConstraint(or_(role != OWNER, and_(environment_id.is_(None), cells.is_(None))), name="owner"),
    )
