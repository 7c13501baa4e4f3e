"""Key/value tags of projects."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.persistence import Base, Name, Timestamp, identifier, now

MAXIMUM = 10
"""How many tags a project may have."""


class TagBinding(Base):
    """One key of one project, with its value; an empty value is a tag that has only a key."""

    __tablename__ = "tag_bindings"

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("tb"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(Name)
    value: Mapped[str] = mapped_column(Name)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (
        UniqueConstraint("project_id", "key"),
        Index("ix_tag_bindings_organization_id_key_value", organization_id, key, value),
    )
