"""Memberships of users in organizations."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.persistence import Base, Timestamp, identifier, now

STATUSES = ("active", "invited")


class OrganizationMembership(Base):
    """One user in one organization. Everything a user has there refers to this row and is deleted with it."""

    __tablename__ = "organization_memberships"
    visible_by: ClassVar[P] = P.MEMBERSHIP_READ
    grant_columns: ClassVar[Mapping[str, str]] = {Level.ORGANIZATION: "organization_id", Level.USER: "user_id"}
    # Inviting an address again is a fault of the e-mail: the user who has it is a member already.
    unique_errors: ClassVar[dict[str, str]] = {"uq_organization_memberships_organization_id_user_id": "email"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("ou"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    status: Mapped[str] = mapped_column(default="active")
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (
        UniqueConstraint("organization_id", "user_id"),
        CheckConstraint(status.in_(STATUSES), name="status"),
    )
