"""How long tokens of an organization may live at most."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Final

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.persistence import Base, Timestamp, identifier, now

# What HCP Terraform can limit and the service has. Tokens of users belong to no organization.
TOKEN_TYPES: Final = ("audit_trails", "organization", "team")


class TokenTtlPolicy(Base):
    """The longest lifetime of the organization's tokens of one type."""

    __tablename__ = "token_ttl_policies"
    visible_by: ClassVar[P] = P.ORGANIZATION_UPDATE
    grant_columns: ClassVar[Mapping[str, str]] = {Level.ORGANIZATION: "organization_id"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("ttl"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    token_type: Mapped[str] = mapped_column()
    max_ttl_ms: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    updated_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (
        Index("uq_token_ttl_policies_organization_id_token_type", organization_id, token_type, unique=True),
        CheckConstraint(token_type.in_(TOKEN_TYPES), name="token_type"),
    )
