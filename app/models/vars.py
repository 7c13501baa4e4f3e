"""Variables."""

import secrets
from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, and_, or_
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.persistence import Base, Name, Timestamp, identifier, now
from app.storage.sealed import SEALED

CATEGORIES = ("terraform", "env")
VERSION_BYTES = 18


def new_version() -> str:
    """A new id for a version of a variable; it changes with each update."""
    return secrets.token_hex(VERSION_BYTES)


class Var(Base):
    """A variable of a workspace or of a variable set. A sensitive value is stored only in sealed form."""

    __tablename__ = "vars"
    visible_by: ClassVar[P] = P.VARIABLE_READ
    unique_errors: ClassVar[dict[str, str]] = {
        "uq_vars_workspace_id_key_category": "key",
        "uq_vars_varset_id_key_category": "key",
        "uq_vars_global_in_key_category": "key",
    }

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("var"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[str | None] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    varset_id: Mapped[str | None] = mapped_column(ForeignKey("varsets.id", ondelete="CASCADE"))
    # The organization, while the variable's set is global: so that the database keeps two global sets apart.
    global_in: Mapped[str | None]
    key: Mapped[str] = mapped_column(Name)
    category: Mapped[str] = mapped_column()
    value: Mapped[str | None] = mapped_column()
    sealed_value: Mapped[str | None] = mapped_column(info=SEALED)
    description: Mapped[str | None]
    hcl: Mapped[bool] = mapped_column(default=False)
    sensitive: Mapped[bool] = mapped_column(default=False)
    version_id: Mapped[str] = mapped_column(default=new_version)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (
        # Each is also how the variables of a workspace or a set are found, in the order in which they are shown.
        UniqueConstraint("workspace_id", "key", "category"),
        UniqueConstraint("varset_id", "key", "category"),
        UniqueConstraint("global_in", "key", "category"),
        CheckConstraint(category.in_(CATEGORIES), name="category"),
        CheckConstraint(
            or_(
                and_(workspace_id.is_not(None), varset_id.is_(None)),
                and_(workspace_id.is_(None), varset_id.is_not(None)),
            ),
            name="place",
        ),
        CheckConstraint(
            or_(
                and_(sensitive, value.is_(None), sealed_value.is_not(None)),
                and_(~sensitive, value.is_not(None), sealed_value.is_(None)),
            ),
            name="value",
        ),
    )

    @property
    def name(self) -> str:
        """The name of the variable in the record of activity."""
        return self.key
