"""SSH keys."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.persistence import Base, Name, Timestamp, identifier, now
from app.storage.sealed import SEALED


class SshKey(Base):
    """A private key with which terraform fetches modules over SSH. It is stored in sealed form, and never shown."""

    __tablename__ = "ssh_keys"
    visible_by: ClassVar[P] = P.SSH_KEY_READ
    grant_columns: ClassVar[Mapping[str, str]] = {Level.ORGANIZATION: "organization_id"}
    unique_errors: ClassVar[dict[str, str]] = {"uq_ssh_keys_organization_id_name": "name"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("sshkey"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Name)
    sealed_value: Mapped[str] = mapped_column(info=SEALED)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (UniqueConstraint("organization_id", "name"),)
