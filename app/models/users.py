"""Users."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, Index, case, func
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.policy import Level
from app.persistence import Base, Name, Timestamp, identifier, now

SUPER_USER = "super_user"
# The roles that see every organization.
ADMINISTRATORS = ("admin", SUPER_USER)
SITE_ROLES = ("user", *ADMINISTRATORS)


class User(Base):
    """A person. What a user may do in an organization depends on the membership in it, never on the user."""

    __tablename__ = "users"
    grant_columns: ClassVar[Mapping[str, str]] = {Level.USER: "id"}
    unique_errors: ClassVar[dict[str, str]] = {"uq_users_username": "username", "uq_users_email": "email"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("user"))
    username: Mapped[str] = mapped_column(Name)
    email: Mapped[str] = mapped_column(Name)
    site_role: Mapped[str] = mapped_column(default="user")
    unconfirmed_email: Mapped[str | None] = mapped_column(Name)
    # A user without one can't sign in with a password; tokens still work.
    password_hash: Mapped[str | None]
    # Set while the user is only invited: null once a person has signed up with the address.
    invited_at: Mapped[datetime | None] = mapped_column(Timestamp)
    # Set while an administrator keeps the user out: no token, password or session of the user is accepted.
    suspended_at: Mapped[datetime | None] = mapped_column(Timestamp)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (
        Index("uq_users_username", func.lower(username), unique=True),
        Index("uq_users_email", func.lower(email), unique=True),
        CheckConstraint(site_role.in_(SITE_ROLES), name="site_role"),
    )


# Invited users have no username yet; the column holds a placeholder for them.
KNOWN_AS = case((User.invited_at.is_(None), User.username))
