"""Teams and who is in them."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, case, func, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.persistence import Base, Name, Timestamp, identifier, now

OWNERS = "owners"
VISIBILITIES = ("secret", "organization")


class Team(Base):
    """A group of members that is given access.

    ``organization_access`` lists the flags that are true, and ``declined_access`` those that were sent as false
    although another one that is true includes them. The latter are only shown as false; the former are what counts.
    """

    __tablename__ = "teams"
    visible_by: ClassVar[P] = P.TEAM_READ
    grant_columns: ClassVar[Mapping[str, str]] = {
        Level.ORGANIZATION: "organization_id",
        Level.VISIBLE_TEAMS: "visible_in",
        Level.ORDINARY_TEAMS: "ordinary_in",
        Level.TEAM: "id",
    }
    unique_errors: ClassVar[dict[str, str]] = {"uq_teams_organization_id_name": "name"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("team"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Name)
    is_owners: Mapped[bool] = mapped_column(default=False)
    visibility: Mapped[str] = mapped_column(default="secret")
    organization_access: Mapped[list[str]] = mapped_column(default=list)
    declined_access: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    sso_team_id: Mapped[str | None]
    allow_member_token_management: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (
        Index("uq_teams_organization_id_name", organization_id, func.lower(name), unique=True),
        Index(
            "uq_teams_owners",
            organization_id,
            unique=True,
            sqlite_where=text("is_owners = 1"),
            postgresql_where=text("is_owners"),
        ),
        CheckConstraint(visibility.in_(VISIBILITIES), name="visibility"),
    )

    @hybrid_property
    def visible_in(self) -> str | None:
        """The organization, if all its members see the team; None for a secret team."""
        return self.organization_id if self.visibility == "organization" else None

    @visible_in.inplace.expression
    @classmethod
    def _visible_in(cls) -> ColumnElement[str | None]:
        return case((cls.visibility == "organization", cls.organization_id))

    @hybrid_property
    def ordinary_in(self) -> str | None:
        """The organization, for all its teams except the owners team."""
        return None if self.is_owners else self.organization_id

    @ordinary_in.inplace.expression
    @classmethod
    def _ordinary_in(cls) -> ColumnElement[str | None]:
        return case((~cls.is_owners, cls.organization_id))


class TeamMember(Base):
    """A membership in a team. It belongs to the organization membership and is deleted with it."""

    __tablename__ = "team_members"

    team_id: Mapped[str] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True)
    membership_id: Mapped[str] = mapped_column(
        ForeignKey("organization_memberships.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    )
