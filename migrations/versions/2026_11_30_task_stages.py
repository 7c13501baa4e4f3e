"""task stages of runs.

Revision ID: 1f7c0a94d3e8
Revises: 839415105f5c
Created: 2026-11-30 16:45:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "1f7c0a94d3e8"
down_revision = "839415105f5c"
branch_labels = None
depends_on = None

CHECK = "ck_runs_status"
STATUSES = (
    "pending",
    "pre_plan_running",
    "pre_plan_awaiting_decision",
    "pre_plan_completed",
    "plan_queued",
    "planning",
    "planned",
    "planned_and_finished",
    "planned_and_saved",
    "post_plan_running",
    "post_plan_awaiting_decision",
    "post_plan_completed",
    "confirmed",
    "pre_apply_running",
    "pre_apply_awaiting_decision",
    "pre_apply_completed",
    "apply_queued",
    "applying",
    "post_apply_running",
    "post_apply_completed",
    "applied",
    "discarded",
    "errored",
    "canceled",
)
NEW = tuple(each for each in STATUSES if each.startswith(("pre_", "post_")))
OLD = tuple(each for each in STATUSES if each not in NEW)
HELD = "uq_runs_workspace_id_holds_lock"


def upgrade() -> None:
    """Apply the change."""
    _change_statuses(STATUSES)
    op.add_column("runs", sa.Column("stages", sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        "task_stages",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_timestamps", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "stage IN ('pre_plan', 'post_plan', 'pre_apply', 'post_apply')", name=op.f("ck_task_stages_stage")
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'running', 'passed', 'failed', 'awaiting_override', 'errored', 'canceled', "
            "'unreachable')",
            name=op.f("ck_task_stages_status"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_task_stages_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_task_stages_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_task_stages_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_stages")),
        sa.UniqueConstraint("run_id", "position", name=op.f("uq_task_stages_run_id_position")),
    )
    op.create_index(op.f("ix_task_stages_organization_id"), "task_stages", ["organization_id"])
    op.create_index(op.f("ix_task_stages_workspace_id"), "task_stages", ["workspace_id"])
    op.create_table(
        "policy_evaluations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("task_stage_id", sa.Text(), nullable=False),
        sa.Column("policy_kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_timestamps", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.Column("advisory_failed", sa.Integer(), nullable=False),
        sa.Column("mandatory_failed", sa.Integer(), nullable=False),
        sa.Column("errored", sa.Integer(), nullable=False),
        sa.Column("overridable", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'queued', 'running', 'passed', 'failed', 'overridden', 'errored', 'canceled', "
            "'unreachable')",
            name=op.f("ck_policy_evaluations_status"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_policy_evaluations_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_policy_evaluations_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["task_stage_id"],
            ["task_stages.id"],
            name=op.f("fk_policy_evaluations_task_stage_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_policy_evaluations_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_evaluations")),
    )
    op.create_index(op.f("ix_policy_evaluations_organization_id"), "policy_evaluations", ["organization_id"])
    op.create_index(op.f("ix_policy_evaluations_run_id"), "policy_evaluations", ["run_id"])
    op.create_index(op.f("ix_policy_evaluations_workspace_id"), "policy_evaluations", ["workspace_id"])
    op.create_index(
        "uq_policy_evaluations_task_stage_id_policy_kind",
        "policy_evaluations",
        ["task_stage_id", "policy_kind"],
        unique=True,
    )


def downgrade() -> None:
    """Take the change back. Runs in the middle of a stage become canceled; their workspaces are unlocked by force."""
    op.drop_table("policy_evaluations")
    op.drop_table("task_stages")
    op.drop_column("runs", "stages")
    runs = sa.table("runs", sa.column("status", sa.Text()), sa.column("holds_lock", sa.Boolean()))
    op.execute(sa.update(runs).where(runs.c.status.in_(NEW)).values(status="canceled", holds_lock=False))
    _change_statuses(OLD)


def _change_statuses(statuses: tuple[str, ...]) -> None:
    # The copy of the table on SQLite would lose the condition of the index.
    op.drop_index(HELD, table_name="runs")
    with op.batch_alter_table("runs", reflect_kwargs={"resolve_fks": False}) as batch_op:
        batch_op.drop_constraint(batch_op.f(CHECK), type_="check")
        batch_op.create_check_constraint(batch_op.f(CHECK), f"status IN {statuses}")
    op.create_index(
        HELD,
        "runs",
        ["workspace_id"],
        unique=True,
        sqlite_where=sa.text("holds_lock"),
        postgresql_where=sa.text("holds_lock"),
    )
