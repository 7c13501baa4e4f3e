"""Images."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, and_, or_
from sqlalchemy.orm import Mapped, mapped_column

from app.persistence import Base, Timestamp, identifier, now
from app.storage.ledger import OBJECT
from app.storage.sealed import SEALED


class Image(Base):
    """The icon of a project or the avatar of a workspace. The bytes are in the object store, never here."""

    __tablename__ = "images"

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("img"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[str | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), unique=True)
    workspace_id: Mapped[str | None] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), unique=True)
    image_object: Mapped[str] = mapped_column(info=OBJECT, unique=True, index=True)
    image_key: Mapped[str] = mapped_column(info=SEALED)
    content_type: Mapped[str]
    # Of the bytes, in hexadecimal: what the entity tag is made of.
    digest: Mapped[str]
    size: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (
        CheckConstraint(
            or_(
                and_(project_id.is_not(None), workspace_id.is_(None)),
                and_(project_id.is_(None), workspace_id.is_not(None)),
            ),
            name="place",
        ),
    )
