"""State versions, and the outputs in them."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.models.workspaces import WorkspaceChild
from app.persistence import Base, Timestamp, identifier, now
from app.storage.ledger import OBJECT
from app.storage.sealed import SEALED

PENDING = "pending"
FINALIZED = "finalized"
DISCARDED = "discarded"
STATUSES = (PENDING, FINALIZED, DISCARDED)


class StateVersion(WorkspaceChild, Base):
    """A state that a workspace has, had, or waits for. The bytes are in the object store, never here."""

    __tablename__ = "state_versions"
    visible_by: ClassVar[P] = P.STATE_READ

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("sv"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    # The order in which the versions of a workspace were created: serials and times may repeat.
    number: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    created_by_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    rollback_of_id: Mapped[str | None] = mapped_column(ForeignKey("state_versions.id", ondelete="SET NULL"))
    # The run whose apply made it.
    run_id: Mapped[str | None] = mapped_column(ForeignKey("runs.id", ondelete="SET NULL"))
    status: Mapped[str] = mapped_column(default=PENDING)
    intermediate: Mapped[bool] = mapped_column(default=True)
    serial: Mapped[int] = mapped_column(BigInteger)
    md5: Mapped[str]
    lineage: Mapped[str | None]
    # Whether the state may have another lineage than the ones before it: asked for when the version was announced.
    forced: Mapped[bool] = mapped_column(default=False, server_default=false())
    size: Mapped[int | None] = mapped_column(BigInteger)
    # Name and sealed data key of the stored object; both null until it has arrived.
    state_object: Mapped[str | None] = mapped_column(info=OBJECT)
    state_key: Mapped[str | None] = mapped_column(info=SEALED)
    json_state_object: Mapped[str | None] = mapped_column(info=OBJECT)
    json_state_key: Mapped[str | None] = mapped_column(info=SEALED)
    json_state_size: Mapped[int | None] = mapped_column(BigInteger)
    # Read from the state when it arrived.
    serial_in_state: Mapped[int | None] = mapped_column(BigInteger)
    format: Mapped[int | None]
    # By OpenTofu, on the client: then nothing else is known.
    encrypted: Mapped[bool] = mapped_column(default=False, server_default=false())
    terraform_version: Mapped[str | None]
    resource_count: Mapped[int] = mapped_column(default=0)
    modules: Mapped[dict[str, Any] | None]
    providers: Mapped[dict[str, Any] | None]
    resources: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    # For the newest versions of a workspace: see ``app.models.state_instances``.
    instances: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))

    __table_args__ = (
        UniqueConstraint("workspace_id", "number"),
        # For SET NULL when a user or a version is deleted.
        Index("ix_state_versions_created_by_id", created_by_id),
        Index("ix_state_versions_rollback_of_id", rollback_of_id),
        Index("ix_state_versions_run_id", run_id),
        Index("ix_state_versions_organization_id", organization_id),
        # The sweep checks whether any row names an object.
        Index("uq_state_versions_state_object", state_object, unique=True),
        Index("uq_state_versions_json_state_object", json_state_object, unique=True),
        CheckConstraint(status.in_(STATUSES), name="status"),
    )


class StateVersionOutput(WorkspaceChild, Base):
    """An output of a state version. Its value is sealed, whether or not terraform calls it sensitive."""

    __tablename__ = "state_version_outputs"
    visible_by: ClassVar[P] = P.STATE_READ_OUTPUTS

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("wsout"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    state_version_id: Mapped[str] = mapped_column(ForeignKey("state_versions.id", ondelete="CASCADE"))
    name: Mapped[str]
    sensitive: Mapped[bool]
    type: Mapped[str]
    detailed_type: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    value: Mapped[str] = mapped_column(info=SEALED)

    __table_args__ = (
        UniqueConstraint("state_version_id", "name"),
        Index("ix_state_version_outputs_workspace_id", workspace_id),
        Index("ix_state_version_outputs_organization_id", organization_id),
    )
