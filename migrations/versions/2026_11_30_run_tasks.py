"""Run tasks.

Revision ID: 9b2f64d0e517
Revises: 9c2e51b7f0a4
Created: 2026-11-30 17:30:00.000000+00:00
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "9b2f64d0e517"
down_revision = "9c2e51b7f0a4"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
LEVELS = "IN ('advisory', 'mandatory')"
STATUSES = "('pending', 'running', 'passed', 'failed', 'errored', 'canceled', 'unreachable')"


def texts(*names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    """Columns with texts."""
    return [sa.Column(name, sa.Text(), nullable=nullable) for name in names]


def flag(name: str, *, is_off: bool = False) -> sa.Column[Any]:
    """A column that is true or false, perhaps false in rows that are there."""
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false() if is_off else None)


def json(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    """A column with JSON."""
    return sa.Column(name, sa.JSON(none_as_null=True), nullable=nullable)


def times(*names: str) -> list[sa.Column[Any]]:
    """Columns with times."""
    return [sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in names]


def keys(table: str, parents: Mapping[str, str]) -> list[sa.Constraint]:
    """The primary key, and the foreign keys to these tables."""
    return [
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        *(
            sa.ForeignKeyConstraint([column], [f"{parent}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE")
            for column, parent in parents.items()
        ),
    ]


PLACE = {"organization_id": "organizations", "workspace_id": "workspaces"}


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "run_tasks",
        *texts("id", "organization_id"),
        sa.Column("name", NAME, nullable=False),
        *texts("description", nullable=True),
        *texts("url"),
        *texts("sealed_hmac_key", nullable=True),
        flag("enabled"),
        flag("global_enabled", is_off=True),
        json("global_stages"),
        *texts("global_enforcement_level"),
        *times("created_at", "updated_at"),
        sa.CheckConstraint(f"global_enforcement_level {LEVELS}", name=op.f("ck_run_tasks_global_enforcement_level")),
        *keys("run_tasks", {"organization_id": "organizations"}),
    )
    op.create_index(
        "uq_run_tasks_organization_id_name", "run_tasks", ["organization_id", sa.text("lower(name)")], unique=True
    )
    op.create_table(
        "workspace_tasks",
        *texts("id", "organization_id", "workspace_id", "task_id"),
        json("stages"),
        *texts("enforcement_level"),
        *times("created_at", "updated_at"),
        sa.CheckConstraint(f"enforcement_level {LEVELS}", name=op.f("ck_workspace_tasks_enforcement_level")),
        *keys("workspace_tasks", {**PLACE, "task_id": "run_tasks"}),
        sa.UniqueConstraint("workspace_id", "task_id", name=op.f("uq_workspace_tasks_workspace_id_task_id")),
    )
    op.create_table(
        "task_results",
        *texts("id", "organization_id", "workspace_id", "run_id", "task_stage_id", "task_id"),
        *texts("workspace_task_id", nullable=True),
        *texts("task_name", "task_url", "enforcement_level", "status"),
        json("status_timestamps"),
        *texts("message", "url", nullable=True),
        flag("is_overridden"),
        *times("created_at", "updated_at"),
        sa.CheckConstraint(f"status IN {STATUSES}", name=op.f("ck_task_results_status")),
        *keys("task_results", {**PLACE, "run_id": "runs", "task_stage_id": "task_stages"}),
        sa.UniqueConstraint("task_stage_id", "task_id", name=op.f("uq_task_results_task_stage_id_task_id")),
    )
    op.create_table(
        "task_result_outcomes",
        *texts("id", "organization_id", "workspace_id", "task_result_id"),
        sa.Column("outcome_id", NAME, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *texts("description"),
        *texts("body", "url", nullable=True),
        json("tags", nullable=True),
        *times("created_at"),
        *keys("task_result_outcomes", {**PLACE, "task_result_id": "task_results"}),
        sa.UniqueConstraint(
            "task_result_id", "outcome_id", name=op.f("uq_task_result_outcomes_task_result_id_outcome_id")
        ),
    )
    for table, columns in {
        "workspace_tasks": ("organization_id", "task_id"),
        "task_results": ("organization_id", "workspace_id", "run_id"),
        "task_result_outcomes": ("organization_id", "workspace_id"),
    }.items():
        for column in columns:
            op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def downgrade() -> None:
    """Take the change back."""
    for table in ("task_result_outcomes", "task_results", "workspace_tasks", "run_tasks"):
        op.drop_table(table)
