"""API tokens."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, and_, case, or_, select, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.authz.permissions import P
from app.authz.policy import Level
from app.models.project_members import PROJECT_ROLES
from app.models.teams import Team
from app.persistence import Base, Timestamp, identifier, now

KINDS = ("user", "organization", "team", "project", "agent")
# What a token of an organization is for, if it is not for everything: only to read the audit trail.
AUDIT_TRAILS = "audit-trails"
# Any number of tokens of an organization are narrowed to some of what its token may do.
NARROWED = "narrowed"
_OF_ORGANIZATIONS = f"team_id IS NULL AND project_id IS NULL AND agent_pool_id IS NULL AND purpose <> '{NARROWED}'"


class AuthenticationToken(Base):
    """A bearer token of a user, an organization, a team, a project or an agent pool.

    Only the keyed digest of its text is stored.
    """

    __tablename__ = "authentication_tokens"
    visible_by: ClassVar[P] = P.TOKEN_MANAGE
    access_sensitive: ClassVar[bool] = True
    grant_columns: ClassVar[Mapping[str, str]] = {
        Level.ORGANIZATION: "organization_id",
        Level.VISIBLE_TEAMS: "visible_in",
        Level.ORDINARY_TEAMS: "ordinary_in",
        Level.AGENT_POOLS: "pooled_in",
        Level.TEAM: "team_id",
        Level.PROJECT: "project_id",
        Level.USER: "user_id",
    }

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("at"))
    digest: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str] = mapped_column()
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    organization_id: Mapped[str | None] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    team_id: Mapped[str | None] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    project_id: Mapped[str | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    # The pool that agents serve with this token. The token of the built-in pool has neither pool nor organization.
    agent_pool_id: Mapped[str | None] = mapped_column(ForeignKey("agent_pools.id", ondelete="CASCADE"))
    # The role of a project's token in its project.
    role: Mapped[str | None] = mapped_column()
    # Empty, ``AUDIT_TRAILS`` or ``NARROWED``.
    purpose: Mapped[str] = mapped_column(default="", server_default=text("''"))
    # What a narrowed token is narrowed to: ``read_only``, ``permissions``, ``project_ids`` and ``ip_ranges``, of which
    # the last three may be null for all.
    narrowed_to: Mapped[dict[str, Any] | None]
    description: Mapped[str | None] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    expired_at: Mapped[datetime | None] = mapped_column(Timestamp, index=True)
    last_used_at: Mapped[datetime | None] = mapped_column(Timestamp)
    # The membership of the user who answers for a project's token: it ends with this membership. Null for all other
    # tokens, and for those of a project that no user has made. No foreign key, because the end is recorded.
    membership_id: Mapped[str | None] = mapped_column(index=True)
    # No foreign key: the token stays when its creator is deleted.
    created_by_type: Mapped[str | None]
    created_by_id: Mapped[str | None]

    team: Mapped[Team | None] = relationship(lazy="joined", viewonly=True)

    __table_args__ = (
        # An organization has one token for each purpose; creating another replaces it.
        Index(
            "uq_authentication_tokens_organization_id",
            organization_id,
            purpose,
            unique=True,
            sqlite_where=text(_OF_ORGANIZATIONS),
            postgresql_where=text(_OF_ORGANIZATIONS),
        ),
        # A team has one token without a description, which is replaced likewise, and any number with a description.
        Index(
            "uq_authentication_tokens_team_id",
            team_id,
            unique=True,
            sqlite_where=text("description IS NULL"),
            postgresql_where=text("description IS NULL"),
        ),
        Index("uq_authentication_tokens_team_id_description", team_id, description, unique=True),
        Index("ix_authentication_tokens_organization_id", organization_id),
        Index("ix_authentication_tokens_project_id_created_at", project_id, created_at),
        Index("ix_authentication_tokens_agent_pool_id_created_at", agent_pool_id, created_at),
        CheckConstraint(
            or_(
                and_(kind == "user", user_id.is_not(None), organization_id.is_(None), team_id.is_(None)),
                and_(kind == "organization", organization_id.is_not(None), user_id.is_(None), team_id.is_(None)),
                and_(kind == "team", organization_id.is_not(None), user_id.is_(None), team_id.is_not(None)),
                and_(kind == "project", organization_id.is_not(None), user_id.is_(None), team_id.is_(None)),
                and_(kind == "agent", user_id.is_(None), team_id.is_(None)),
            ),
            name="kind",
        ),
        CheckConstraint(
            or_(
                and_(kind == "project", project_id.is_not(None), role.in_(PROJECT_ROLES)),
                and_(kind != "project", project_id.is_(None), role.is_(None)),
            ),
            name="project",
        ),
        CheckConstraint(
            or_(
                and_(kind == "agent", organization_id.is_not(None), agent_pool_id.is_not(None)),
                and_(kind == "agent", organization_id.is_(None), agent_pool_id.is_(None)),
                and_(kind != "agent", agent_pool_id.is_(None)),
            ),
            name="agent",
        ),
    )

    @hybrid_property
    def visible_in(self) -> str | None:
        """The organization, for a token of a team that all its members see; None for the owners team."""
        return self.team.visible_in if self.team and not self.team.is_owners else None

    @visible_in.inplace.expression
    @classmethod
    def _visible_in(cls) -> ColumnElement[str | None]:
        of_team = select(Team.visible_in).where(Team.id == cls.team_id, ~Team.is_owners)
        return of_team.correlate_except(Team).scalar_subquery()

    @hybrid_property
    def ordinary_in(self) -> str | None:
        """The organization, for a token of any of its teams except the owners team."""
        return self.team.ordinary_in if self.team else None

    @ordinary_in.inplace.expression
    @classmethod
    def _ordinary_in(cls) -> ColumnElement[str | None]:
        return select(Team.ordinary_in).where(Team.id == cls.team_id).correlate_except(Team).scalar_subquery()

    @hybrid_property
    def pooled_in(self) -> str | None:
        """The organization, for a token of one of its agent pools."""
        return None if self.agent_pool_id is None else self.organization_id

    @pooled_in.inplace.expression
    @classmethod
    def _pooled_in(cls) -> ColumnElement[str | None]:
        return case((cls.agent_pool_id.is_not(None), cls.organization_id))
