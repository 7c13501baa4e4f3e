"""Configuration versions: the archives of terraform files that runs are made from."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, Select, select
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.models.workspaces import WorkspaceChild
from app.persistence import Base, Timestamp, identifier, now
from app.storage.ledger import OBJECT
from app.storage.sealed import SEALED

PENDING = "pending"
UPLOADED = "uploaded"
ARCHIVED = "archived"
ERRORED = "errored"
STATUSES = (PENDING, UPLOADED, ARCHIVED, ERRORED)


class ConfigurationVersion(WorkspaceChild, Base):
    """A configuration that a workspace has, or waits for. The archive is in the object store, never here."""

    __tablename__ = "configuration_versions"
    visible_by: ClassVar[P] = P.RUN_READ
    grant_columns: ClassVar[Mapping[str, str]] = {**WorkspaceChild.grant_columns, Level.RUN_TASK: "id"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("cv"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    created_by_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    status: Mapped[str] = mapped_column(default=PENDING)
    source: Mapped[str] = mapped_column(default="tfe-api")
    speculative: Mapped[bool] = mapped_column(default=False)
    provisional: Mapped[bool] = mapped_column(default=False)
    auto_queue_runs: Mapped[bool] = mapped_column(default=True)
    error: Mapped[str | None]
    error_message: Mapped[str | None]
    # When it entered each status: {"uploaded-at": "2026-…"}.
    status_timestamps: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # Name and sealed data key of the archive; both null until it has arrived, and again once it was removed.
    archive_object: Mapped[str | None] = mapped_column(info=OBJECT)
    archive_key: Mapped[str | None] = mapped_column(info=SEALED)
    size: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        # The list of a workspace, newest first.
        Index("ix_configuration_versions_workspace_id_created_at", workspace_id, created_at, id),  # noqa: A003
        # For SET NULL when a user is deleted, and for CASCADE.
        Index("ix_configuration_versions_created_by_id", created_by_id),
        Index("ix_configuration_versions_organization_id", organization_id),
        # The sweep checks whether any row names an object.
        Index("uq_configuration_versions_archive_object", archive_object, unique=True),
        CheckConstraint(status.in_(STATUSES), name="status"),
    )


def latest_configuration(workspace_id: Any) -> Select[Any]:  # noqa: ANN401 - a column or a value
    """The id of the version that a run of the workspace is made from which names none."""
    columns = ConfigurationVersion.__table__.c
    return (
        select(columns.id)
        .where(
            columns.workspace_id == workspace_id,
            columns.status == UPLOADED,
            ~columns.speculative,
            ~columns.provisional,
        )
        .order_by(columns.created_at.desc(), columns.id.desc())
        .limit(1)
    )
