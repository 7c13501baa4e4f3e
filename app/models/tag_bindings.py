"""Tags of projects and workspaces."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, false, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.persistence import Base, Name, Timestamp, identifier, now

KEY_LENGTH = 128
VALUE_LENGTH = 256
CHARACTERS = r"[A-Za-z0-9_.=+\-@:]"
# Refuses hc: and hcp:, the prefixes of the vendor's own tags.
NOT_RESERVED = "(?![Hh][Cc][Pp]?:)"
MAXIMUM = 10
"""How many tags a project may have, and how many tags with a value a workspace may have."""
MAXIMUM_PLAIN = 100
"""How many tags without a value a workspace may have."""


def tag_id(organization_id: str, name: str) -> str:
    """The id of an organization's plain tag. It is computed from the name, so no table has to store it."""
    return f"tag-{hashlib.sha256(f'{organization_id}/{name}'.encode()).hexdigest()[:24]}"


def _own_tag_id(context: Any) -> str | None:  # noqa: ANN401 - SQLAlchemy's context of an insert
    parameters = context.get_current_parameters()
    if parameters["workspace_id"] is None:
        return None
    return tag_id(parameters["organization_id"], parameters["key"])


class TagBinding(Base):
    """One key of one project or workspace, with its value. An empty value means a tag that has only a key.

    A plain tag of a workspace, in the API's words, is a binding without a value. The plain tags of an organization are
    those of all its workspaces. Clients that know nothing of values see every binding without a value among them. One
    that was set as a plain tag (``is_plain``) is none of the keys and values in the eyes of the others.
    """

    __tablename__ = "tag_bindings"
    visible_by: ClassVar[P] = P.ORGANIZATION_READ
    grant_columns: ClassVar[Mapping[str, str]] = {Level.ORGANIZATION: "organization_id"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("tb"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    project_id: Mapped[str | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), default=None)
    workspace_id: Mapped[str | None] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), default=None)
    key: Mapped[str] = mapped_column(Name)
    value: Mapped[str] = mapped_column(Name)
    is_plain: Mapped[bool] = mapped_column(default=False, server_default=false())
    # The order in which the tags of one resource were added; several may have the same time.
    position: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    # Last, because it is computed from the other columns.
    tag_id: Mapped[str | None] = mapped_column(default=_own_tag_id)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (
        UniqueConstraint("project_id", "key"),
        UniqueConstraint("workspace_id", "key"),
        Index("ix_tag_bindings_organization_id_key_value", organization_id, key, value),
        # For lists of workspaces by their tags: it has all that these read of a tag. PostgreSQL reads nothing but the
        # index only if that also has the column below ``lower``.
        Index(
            "ix_tag_bindings_organization_id_lower_key", organization_id, func.lower(key), workspace_id, project_id, key
        ),
        Index("ix_tag_bindings_tag_id", tag_id),
        CheckConstraint("(project_id IS NULL) <> (workspace_id IS NULL)", name="bound_to_one"),
    )
