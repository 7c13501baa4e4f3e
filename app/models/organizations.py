"""Organizations."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, Index, false, func
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.persistence import Base, Name, Timestamp, identifier, now

EXECUTION_MODES = ("remote", "local", "agent")


class Organization(Base):
    """The owner of everything else. Clients know it by its name; its ``id`` is shown as ``external-id``."""

    __tablename__ = "organizations"
    visible_by: ClassVar[P] = P.ORGANIZATION_READ
    grant_columns: ClassVar[Mapping[str, str]] = {
        Level.ORGANIZATION: "id",
        Level.SHARED_VARSETS: "id",
        Level.SOME_PROJECT: "id",
    }
    unique_errors: ClassVar[dict[str, str]] = {"uq_organizations_name": "name"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("org"))
    name: Mapped[str] = mapped_column(Name)
    email: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    default_execution_mode: Mapped[str] = mapped_column(default="local")
    # Set if the mode is agent. Not a foreign key: see ``AgentPool``.
    default_agent_pool_id: Mapped[str | None]
    session_timeout: Mapped[int | None]
    session_remember: Mapped[int | None]
    collaborator_auth_policy: Mapped[str] = mapped_column(default="password")
    cost_estimation_enabled: Mapped[bool] = mapped_column(default=False)
    send_passing_statuses_for_untriggered_speculative_plans: Mapped[bool] = mapped_column(default=False)
    aggregated_commit_status_enabled: Mapped[bool] = mapped_column(default=True)
    speculative_plan_management_enabled: Mapped[bool] = mapped_column(default=True)
    allow_force_delete_workspaces: Mapped[bool] = mapped_column(default=False)
    assessments_enforced: Mapped[bool] = mapped_column(default=False)
    owners_team_saml_role_id: Mapped[str | None]
    user_tokens_enabled: Mapped[bool] = mapped_column(default=True)
    # Whether the longest lifetimes of tokens count: see ``token_ttl_policies``.
    max_ttl_enabled: Mapped[bool] = mapped_column(default=False, server_default=false())
    # How many of its runs may be planning or applying at once, in all pools together; null: any number.
    max_concurrent_runs: Mapped[int | None]

    __table_args__ = (
        Index("uq_organizations_name", func.lower(name), unique=True),
        CheckConstraint(default_execution_mode.in_(EXECUTION_MODES), name="default_execution_mode"),
    )
