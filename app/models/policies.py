"""Policies on plans, and the sets that say where they count."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Final

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, and_, exists, func, or_
from sqlalchemy.orm import Mapped, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.models.workspaces import Workspace
from app.persistence import Base, Name, Timestamp, identifier, now
from app.storage.sealed import SEALED

OPA: Final = "opa"
ADVISORY, MANDATORY = "advisory", "mandatory"
ENFORCEMENTS: Final = (ADVISORY, MANDATORY)


class Policy(Base):
    """A rule about plans, written in Rego: its query gives what is wrong with a plan."""

    __tablename__ = "policies"
    visible_by: ClassVar[P] = P.POLICY_READ
    grant_columns: ClassVar[Mapping[str, str]] = {Level.ORGANIZATION: "organization_id"}
    unique_errors: ClassVar[dict[str, str]] = {"uq_policies_organization_id_name": "name"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("pol"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Name)
    description: Mapped[str | None]
    query: Mapped[str]
    enforcement_level: Mapped[str] = mapped_column(default=ADVISORY)
    # Null until it is uploaded.
    code: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    updated_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (
        Index("uq_policies_organization_id_name", organization_id, func.lower(name), unique=True),
        CheckConstraint("enforcement_level IN " + str(ENFORCEMENTS), name="enforcement_level"),
    )


class PolicySet(Base):
    """Policies that count together: in the whole organization, or in some projects and workspaces."""

    __tablename__ = "policy_sets"
    visible_by: ClassVar[P] = P.POLICY_READ
    grant_columns: ClassVar[Mapping[str, str]] = {Level.ORGANIZATION: "organization_id"}
    unique_errors: ClassVar[dict[str, str]] = {"uq_policy_sets_organization_id_name": "name"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("polset"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Name)
    description: Mapped[str | None]
    is_global: Mapped[bool] = mapped_column(default=False)
    # Whether a person may let a run go on that its policies stop.
    overridable: Mapped[bool] = mapped_column(default=False)
    # The version of OPA whose language its policies are written in; null: the newest.
    policy_tool_version: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    updated_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (Index("uq_policy_sets_organization_id_name", organization_id, func.lower(name), unique=True),)


class PolicySetPolicy(Base):
    """A policy in a set."""

    __tablename__ = "policy_set_policies"

    policy_set_id: Mapped[str] = mapped_column(ForeignKey("policy_sets.id", ondelete="CASCADE"), primary_key=True)
    policy_id: Mapped[str] = mapped_column(ForeignKey("policies.id", ondelete="CASCADE"), primary_key=True, index=True)


class PolicySetWorkspace(Base):
    """A workspace in which a set counts."""

    __tablename__ = "policy_set_workspaces"

    policy_set_id: Mapped[str] = mapped_column(ForeignKey("policy_sets.id", ondelete="CASCADE"), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class PolicySetProject(Base):
    """A project in whose workspaces a set counts."""

    __tablename__ = "policy_set_projects"

    policy_set_id: Mapped[str] = mapped_column(ForeignKey("policy_sets.id", ondelete="CASCADE"), primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True, index=True)


class PolicySetWorkspaceExclusion(Base):
    """A workspace in which a set does not count, whatever else says so."""

    __tablename__ = "policy_set_workspace_exclusions"

    policy_set_id: Mapped[str] = mapped_column(ForeignKey("policy_sets.id", ondelete="CASCADE"), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class PolicySetProjectExclusion(Base):
    """A project in whose workspaces a set does not count, unless it names the workspace itself."""

    __tablename__ = "policy_set_project_exclusions"

    policy_set_id: Mapped[str] = mapped_column(ForeignKey("policy_sets.id", ondelete="CASCADE"), primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True, index=True)


class PolicySetParameter(Base):
    """A value that the policies of a set can read. A sensitive one is stored only in sealed form."""

    __tablename__ = "policy_set_parameters"
    visible_by: ClassVar[P] = P.POLICY_READ
    grant_columns: ClassVar[Mapping[str, str]] = {Level.ORGANIZATION: "organization_id"}
    unique_errors: ClassVar[dict[str, str]] = {"uq_policy_set_parameters_policy_set_id_key": "key"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("var"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), index=True)
    policy_set_id: Mapped[str] = mapped_column(ForeignKey("policy_sets.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(Name)
    value: Mapped[str | None]
    sealed_value: Mapped[str | None] = mapped_column(info=SEALED)
    sensitive: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (Index("uq_policy_set_parameters_policy_set_id_key", policy_set_id, key, unique=True),)

    @property
    def name(self) -> str:
        """The name of the parameter in the record of activity."""
        return self.key


def applies_to(workspace: Workspace) -> ColumnElement[bool]:
    """The condition that a set counts in the workspace.

    What is said about the workspace itself is stronger than what is said about its project.
    """
    key = PolicySet.__table__.c.id

    def has(
        table: type[PolicySetWorkspace | PolicySetProject | PolicySetWorkspaceExclusion | PolicySetProjectExclusion],
        value: str,
    ) -> ColumnElement[bool]:
        columns = table.__table__.c
        column = columns["workspace_id" if "workspace_id" in columns else "project_id"]
        return exists().where(columns.policy_set_id == key, column == value)

    by_place = or_(PolicySet.is_global, has(PolicySetProject, workspace.project_id))
    return and_(
        PolicySet.organization_id == workspace.organization_id,
        ~has(PolicySetWorkspaceExclusion, workspace.id),
        or_(
            has(PolicySetWorkspace, workspace.id),
            and_(by_place, ~has(PolicySetProjectExclusion, workspace.project_id)),
        ),
    )
