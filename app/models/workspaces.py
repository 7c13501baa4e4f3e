"""Workspaces."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    ScalarSelect,
    case,
    false,
    func,
    literal,
    select,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, column_property, declared_attr, mapped_column

from app.authz.permissions import P
from app.authz.policy import Level
from app.models.organizations import EXECUTION_MODES
from app.models.projects import Project
from app.persistence import Base, Expression, Name, Timestamp, identifier, now

# For a workspace that names no version: the release this service was last tested with.
TERRAFORM_VERSION = "1.11.4"
NAME_LENGTH = 260
IAC_TOOLS = ("terraform", "opentofu")


class ProjectScoped:
    """A row in a project, in one of its environments and perhaps in a cell.

    A cell is only a name. A grant on a cell therefore has the target ``ID/NAME``, with the id of the project or
    environment.
    """

    if TYPE_CHECKING:
        project_id: Mapped[str]
        environment_id: Mapped[str]
        cell: Mapped[str | None]

    @hybrid_property
    def project_cell_key(self) -> str | None:
        """The target of grants on the cell in its project; None without a cell."""
        return None if self.cell is None else f"{self.project_id}/{self.cell}"

    @project_cell_key.inplace.expression
    @classmethod
    def _cell_in_project(cls) -> ColumnElement[Any]:
        return cls.project_id + literal("/") + cls.cell

    @hybrid_property
    def environment_cell_key(self) -> str | None:
        """The target of grants on the cell in its environment; None without a cell."""
        return None if self.cell is None else f"{self.environment_id}/{self.cell}"

    @environment_cell_key.inplace.expression
    @classmethod
    def _cell_in_environment(cls) -> ColumnElement[Any]:
        return cls.environment_id + literal("/") + cls.cell


class Workspace(ProjectScoped, Base):
    """One set of infrastructure. Settings that are null are inherited from the project, then the organization."""

    __tablename__ = "workspaces"
    visible_by: ClassVar[P] = P.WORKSPACE_READ
    grant_columns: ClassVar[Mapping[str, str]] = {
        Level.ORGANIZATION: "organization_id",
        Level.WORKSPACES: "organization_id",
        Level.PROJECT: "project_id",
        Level.ENVIRONMENT: "environment_id",
        Level.CELL: "project_cell_key",
        Level.ENVIRONMENT_CELL: "environment_cell_key",
        Level.WORKSPACE: "id",
        Level.PUBLIC: "shown_to",
    }
    unique_errors: ClassVar[dict[str, str]] = {"uq_workspaces_organization_id_name": "name"}

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("ws"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    # Without CASCADE, on purpose: a project that holds workspaces can't be deleted by accident.
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"))
    environment_id: Mapped[str] = mapped_column()
    cell: Mapped[str | None] = mapped_column(Name)
    name: Mapped[str] = mapped_column(Name)
    description: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    updated_at: Mapped[datetime] = mapped_column(Timestamp, default=now)
    auto_apply: Mapped[bool] = mapped_column(default=False)
    allow_destroy_plan: Mapped[bool] = mapped_column(default=True)
    inherits_project_auto_destroy: Mapped[bool] = mapped_column(default=True)
    own_auto_destroy_activity_duration: Mapped[str | None]
    own_execution_mode: Mapped[str | None] = mapped_column()
    # Set if that mode is agent. Not a foreign key: see ``AgentPool``.
    own_agent_pool_id: Mapped[str | None] = mapped_column(index=True)
    # Not a foreign key either; who deletes a key takes it away from all workspaces.
    ssh_key_id: Mapped[str | None] = mapped_column(index=True)
    file_triggers_enabled: Mapped[bool] = mapped_column(default=True)
    global_remote_state: Mapped[bool] = mapped_column(default=False)
    locked: Mapped[bool] = mapped_column(default=False)
    queue_all_runs: Mapped[bool] = mapped_column(default=False)
    resource_count: Mapped[int] = mapped_column(default=0)
    source: Mapped[str] = mapped_column(default="tfe-api")
    speculative_enabled: Mapped[bool] = mapped_column(default=True)
    structured_run_output_enabled: Mapped[bool] = mapped_column(default=True)
    terraform_version: Mapped[str] = mapped_column(default=TERRAFORM_VERSION)
    working_directory: Mapped[str | None]
    # The holder of the lock, as clients see it: users or teams, the id, and the name that refusals show.
    locked_by_type: Mapped[str | None]
    locked_by_id: Mapped[str | None] = mapped_column()
    locked_by_name: Mapped[str | None]
    locked_reason: Mapped[str | None]
    # When a state version last became current; null if none ever did, and then the creation counts.
    state_changed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    # No foreign key: the tables would refer to each other, and a version is deleted only together with its workspace.
    current_state_version_id: Mapped[str | None]
    # Likewise: the run that plans or applies now or did so last, and the one that was created last. Runs that only plan
    # do not count.
    current_run_id: Mapped[str | None]
    latest_run_id: Mapped[str | None]
    # New columns also have a default in the database, for the rows that exist already.
    auto_apply_run_trigger: Mapped[bool] = mapped_column(default=False, server_default=false())
    assessments_enabled: Mapped[bool] = mapped_column(default=False, server_default=false())
    project_remote_state: Mapped[bool] = mapped_column(default=False, server_default=false())
    trigger_prefixes: Mapped[list[str] | None]
    trigger_patterns: Mapped[list[str] | None]
    own_auto_destroy_at: Mapped[datetime | None] = mapped_column(Timestamp)
    # When it is destroyed unless that time changes: see ``app.models.auto_destroy``.
    auto_destroy_due_at: Mapped[datetime | None] = mapped_column(Timestamp)
    # What has become of the last time, and why it failed; null if nothing has begun since.
    auto_destroy_status: Mapped[str | None]
    auto_destroy_error: Mapped[str | None]
    # The time that people were reminded of, and how many hours before it.
    auto_destroy_reminded_of: Mapped[datetime | None] = mapped_column(Timestamp)
    auto_destroy_reminded_hours: Mapped[int | None]
    # When an assessment was last begun, and what the last one that ended has found. No foreign key, likewise.
    assessed_at: Mapped[datetime | None] = mapped_column(Timestamp)
    current_assessment_result_id: Mapped[str | None]
    last_assessment_result_at: Mapped[datetime | None] = mapped_column(Timestamp)
    source_name: Mapped[str | None]
    source_url: Mapped[str | None]
    title: Mapped[str | None]
    avatar_url: Mapped[str | None]
    iac_tool: Mapped[str] = mapped_column(default="terraform", server_default="terraform")
    # Otherwise the tool is told from the state.
    has_own_iac_tool: Mapped[bool] = mapped_column(default=False, server_default=false())

    # Everybody, if the project has ``public-read``.
    shown_to: Mapped[str | None] = column_property(
        select(case((Project.public_read, literal("everybody"))))
        .where(Project.__table__.c.id == project_id)
        .correlate_except(Project)
        .scalar_subquery(),
    )

    __table_args__ = (
        # Without CASCADE, likewise. The environment must be one of the same project.
        ForeignKeyConstraint(["project_id", "environment_id"], ["environments.project_id", "environments.id"]),
        # The included columns decide where a page begins, so the rows before the page are not read.
        Index(
            "uq_workspaces_organization_id_name",
            organization_id,
            func.lower(name),
            unique=True,
            postgresql_include=["id", "name"],
        ),
        # For counting all workspaces of an organization: the smallest index to read.
        Index("ix_workspaces_organization_id", organization_id),
        # The order of the list that spans organizations.
        Index("ix_workspaces_name_id", func.lower(name), id),  # noqa: A003 - the column
        # With the included columns, the rows before the page are not read, and PostgreSQL also uses the index where it
        # expects most rows for a member who sees few. They are no keys: SQLite would rather go through all of an index
        # that has every column it needs than look up a row by its id.
        Index(
            "ix_workspaces_project_id_name",
            project_id,
            func.lower(name),
            postgresql_include=["id", "name", "organization_id"],
        ),
        # For counting all workspaces of a project.
        Index("ix_workspaces_project_id", project_id),
        Index("ix_workspaces_environment_id_name", environment_id, func.lower(name)),
        Index(
            "ix_workspaces_organization_id_latest_change",
            organization_id,
            func.coalesce(state_changed_at, created_at),
            func.lower(name),
        ),
        # For the timer, which looks every few seconds.
        Index(
            "ix_workspaces_auto_destroy_due_at",
            auto_destroy_due_at,
            postgresql_where=auto_destroy_due_at.is_not(None),
            sqlite_where=auto_destroy_due_at.is_not(None),
        ),
        # For releasing the locks of somebody who is deleted.
        Index(
            "ix_workspaces_locked_by_id",
            locked_by_id,
            postgresql_where=locked_by_id.is_not(None),
            sqlite_where=locked_by_id.is_not(None),
        ),
        CheckConstraint(own_execution_mode.in_(EXECUTION_MODES), name="own_execution_mode"),
        CheckConstraint(iac_tool.in_(IAC_TOOLS), name="iac_tool"),
    )


def of_workspace(column: Expression, workspace_id: Any) -> ScalarSelect[Any]:  # noqa: ANN401 - an attribute
    """The column of the workspace with this id, as a subquery for the rows of another table."""
    return select(column).where(Workspace.__table__.c.id == workspace_id).correlate_except(Workspace).scalar_subquery()


class WorkspaceChild(ProjectScoped):
    """A row that belongs to a workspace. Project, environment and cell are the workspace's, which can be moved."""

    grant_columns: ClassVar[Mapping[str, str]] = {
        Level.ORGANIZATION: "organization_id",
        Level.PROJECT: "project_id",
        Level.ENVIRONMENT: "environment_id",
        Level.CELL: "project_cell_key",
        Level.ENVIRONMENT_CELL: "environment_cell_key",
        Level.WORKSPACE: "workspace_id",
    }
    workspace_id: Mapped[str]

    @declared_attr
    def project_id(cls) -> Mapped[str]:  # noqa: N805 - a class it is
        """The project of the workspace."""
        return column_property(of_workspace(Workspace.__table__.c.project_id, cls.workspace_id))

    @declared_attr
    def environment_id(cls) -> Mapped[str]:  # noqa: N805
        """The environment of the workspace."""
        return column_property(of_workspace(Workspace.__table__.c.environment_id, cls.workspace_id))

    @declared_attr
    def cell(cls) -> Mapped[str | None]:  # noqa: N805
        """The cell of the workspace."""
        return column_property(of_workspace(Workspace.__table__.c.cell, cls.workspace_id))


class RemoteStateConsumer(Base):
    """A workspace that may read the state of another one; both are of the same organization."""

    __tablename__ = "remote_state_consumers"

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True)
    consumer_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    )
