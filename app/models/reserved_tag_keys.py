"""Keys of tags that an organization reserves."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.persistence import Base, Name, Timestamp, identifier, now


class ReservedTagKey(Base):
    """A reserved key; with ``disable_overrides`` a workspace can't have another value than its project."""

    __tablename__ = "reserved_tag_keys"
    visible_by: ClassVar[P] = P.ORGANIZATION_READ
    grant_columns: ClassVar[Mapping[str, str]] = {Level.ORGANIZATION: "organization_id"}
    unique_errors: ClassVar[dict[str, str]] = {"uq_reserved_tag_keys_organization_id_key": "key"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("rtk"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(Name)
    disable_overrides: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    updated_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (Index("uq_reserved_tag_keys_organization_id_key", organization_id, func.lower(key), unique=True),)
