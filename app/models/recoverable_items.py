"""What was deleted and can be recovered for some days: the items, and the rows and objects that each of them keeps."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Final

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.models.workspaces import ProjectScoped
from app.persistence import Base, Name, Timestamp, identifier
from app.storage.ledger import OBJECT
from app.storage.sealed import SEALED

KEPT: Final = "kept"
RECOVERED: Final = "recovered"
DELETED: Final = "deleted"
EXPIRED: Final = "expired"
STATUSES: Final = (KEPT, RECOVERED, DELETED, EXPIRED)
RECOVERABLE_TYPES: Final = ("workspaces", "projects")


class RecoverableItem(ProjectScoped, Base):
    """A workspace or a project that was deleted.

    Project, environment and cell are those at the time of its deletion, without foreign keys: they may be gone by now.
    An item that is not kept any more has no rows and objects; it stays for a while to say what became of it.
    """

    __tablename__ = "recoverable_items"
    visible_by: ClassVar[P] = P.WORKSPACE_FORCE_DELETE
    grant_columns: ClassVar[Mapping[str, str]] = {
        Level.ORGANIZATION: "organization_id",
        Level.PROJECT: "project_id",
        Level.ENVIRONMENT: "environment_id",
        Level.CELL: "project_cell_key",
        Level.ENVIRONMENT_CELL: "environment_cell_key",
        Level.WORKSPACE: "recoverable_id",
    }

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("ri"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    project_id: Mapped[str] = mapped_column()
    # Empty for a project.
    environment_id: Mapped[str] = mapped_column()
    cell: Mapped[str | None] = mapped_column(Name)
    recoverable_type: Mapped[str] = mapped_column()
    recoverable_id: Mapped[str] = mapped_column()
    name: Mapped[str] = mapped_column(Name)
    # How many resources its states manage, which go on to exist.
    resource_count: Mapped[int] = mapped_column()
    deleted_by_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    deleted_at: Mapped[datetime] = mapped_column(Timestamp)
    expires_at: Mapped[datetime] = mapped_column(Timestamp)
    status: Mapped[str] = mapped_column(default=KEPT)
    # When it was recovered or deleted for good.
    ended_at: Mapped[datetime | None] = mapped_column(Timestamp)

    __table_args__ = (
        Index("ix_recoverable_items_organization_id_status", organization_id, status, expires_at),
        Index("ix_recoverable_items_project_id_status", project_id, status, expires_at),
        Index("ix_recoverable_items_status_expires_at", status, expires_at),
        CheckConstraint(status.in_(STATUSES), name="status"),
        CheckConstraint(recoverable_type.in_(RECOVERABLE_TYPES), name="recoverable_type"),
    )


class RecoverableRows(Base):
    """Some of the rows of an item, as compressed JSON, all of it sealed."""

    __tablename__ = "recoverable_rows"

    item_id: Mapped[str] = mapped_column(ForeignKey("recoverable_items.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[str] = mapped_column(info=SEALED)


class RecoverableObject(Base):
    """An object that rows of an item name: it stays in the store as long as the item is kept."""

    __tablename__ = "recoverable_objects"

    item_id: Mapped[str] = mapped_column(ForeignKey("recoverable_items.id", ondelete="CASCADE"), primary_key=True)
    kept_object: Mapped[str] = mapped_column(primary_key=True, info=OBJECT, index=True)
    kept_key: Mapped[str] = mapped_column(info=SEALED)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
