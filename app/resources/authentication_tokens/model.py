"""API tokens."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, and_, or_
from sqlalchemy.orm import Mapped, mapped_column

from app.persistence import Base, Timestamp, identifier, now

KINDS = ("user", "organization")


class AuthenticationToken(Base):
    """A bearer token of a user or an organization. Only the keyed digest of its text is kept."""

    __tablename__ = "authentication_tokens"
    scope: ClassVar[dict[str, str]] = {"organization": "organization_id", "user": "user_id"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("at"))
    digest: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str] = mapped_column()
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    organization_id: Mapped[str | None] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    description: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    expired_at: Mapped[datetime | None] = mapped_column(Timestamp)
    last_used_at: Mapped[datetime | None] = mapped_column(Timestamp)
    # Plain text, not a reference: who made the token may be gone while the token stays.
    created_by_type: Mapped[str | None]
    created_by_id: Mapped[str | None]

    __table_args__ = (
        # An organization has one token; making another replaces it.
        Index("uq_authentication_tokens_organization_id", organization_id, unique=True),
        CheckConstraint(
            or_(
                and_(kind == "user", user_id.is_not(None), organization_id.is_(None)),
                and_(kind == "organization", organization_id.is_not(None), user_id.is_(None)),
            ),
            name="kind",
        ),
    )
