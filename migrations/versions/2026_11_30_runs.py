"""Runs with their plans, applies, logs, jobs, events and comments.

Revision ID: 806bd5357572
Revises: b46e0f8d2a71
Created: 2026-11-30 13:48:55.599528+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "806bd5357572"
down_revision = "b46e0f8d2a71"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("configuration_version_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_timestamps", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("trigger_reason", sa.Text(), nullable=False),
        sa.Column("is_destroy", sa.Boolean(), nullable=False),
        sa.Column("refresh", sa.Boolean(), nullable=False),
        sa.Column("refresh_only", sa.Boolean(), nullable=False),
        sa.Column("plan_only", sa.Boolean(), nullable=False),
        sa.Column("save_plan", sa.Boolean(), nullable=False),
        sa.Column("auto_apply", sa.Boolean(), nullable=False),
        sa.Column("allow_empty_apply", sa.Boolean(), nullable=False),
        sa.Column("allow_config_generation", sa.Boolean(), nullable=False),
        sa.Column("debugging_mode", sa.Boolean(), nullable=False),
        sa.Column("target_addrs", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("replace_addrs", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("terraform_version", sa.Text(), nullable=True),
        sa.Column("sealed_variables", sa.Text(), nullable=True),
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("has_changes", sa.Boolean(), nullable=False),
        sa.Column("holds_lock", sa.Boolean(), nullable=False),
        sa.Column("created_by_id", sa.Text(), nullable=True),
        sa.Column("confirmed_by_id", sa.Text(), nullable=True),
        sa.Column("canceled_by_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("canceled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("force_cancel_available_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'plan_queued', 'planning', 'planned', 'planned_and_finished', 'planned_and_saved', 'confirmed', 'apply_queued', 'applying', 'applied', 'discarded', 'errored', 'canceled')",
            name=op.f("ck_runs_status"),
        ),
        sa.ForeignKeyConstraint(
            ["canceled_by_id"], ["users.id"], name=op.f("fk_runs_canceled_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["configuration_version_id"],
            ["configuration_versions.id"],
            name=op.f("fk_runs_configuration_version_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["confirmed_by_id"], ["users.id"], name=op.f("fk_runs_confirmed_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["users.id"], name=op.f("fk_runs_created_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_runs_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_runs_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("workspace_id", "number", name=op.f("uq_runs_workspace_id_number")),
    )
    op.create_index("ix_runs_canceled_by_id", "runs", ["canceled_by_id"], unique=False)
    op.create_index("ix_runs_configuration_version_id", "runs", ["configuration_version_id"], unique=False)
    op.create_index("ix_runs_confirmed_by_id", "runs", ["confirmed_by_id"], unique=False)
    op.create_index("ix_runs_created_by_id", "runs", ["created_by_id"], unique=False)
    op.create_index("ix_runs_organization_id_created_at", "runs", ["organization_id", "created_at"], unique=False)
    op.create_index(
        "ix_runs_organization_id_status_created_at", "runs", ["organization_id", "status", "created_at"], unique=False
    )
    op.create_index("ix_runs_workspace_id_status_number", "runs", ["workspace_id", "status", "number"], unique=False)
    op.create_index(
        "uq_runs_workspace_id_holds_lock",
        "runs",
        ["workspace_id"],
        unique=True,
        sqlite_where=sa.text("holds_lock"),
        postgresql_where=sa.text("holds_lock"),
    )
    op.create_table(
        "applies",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("errored_state_object", sa.Text(), nullable=True),
        sa.Column("errored_state_key", sa.Text(), nullable=True),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_timestamps", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("agent_name", sa.Text(), nullable=True),
        sa.Column("resource_additions", sa.Integer(), nullable=True),
        sa.Column("resource_changes", sa.Integer(), nullable=True),
        sa.Column("resource_destructions", sa.Integer(), nullable=True),
        sa.Column("resource_imports", sa.Integer(), nullable=True),
        sa.Column("log_length", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'queued', 'running', 'finished', 'errored', 'canceled', 'unreachable')",
            name=op.f("ck_applies_status"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_applies_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_applies_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_applies_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applies")),
        sa.UniqueConstraint("run_id", name=op.f("uq_applies_run_id")),
    )
    op.create_index(op.f("ix_applies_organization_id"), "applies", ["organization_id"], unique=False)
    op.create_index(op.f("ix_applies_workspace_id"), "applies", ["workspace_id"], unique=False)
    op.create_index("uq_applies_errored_state_object", "applies", ["errored_state_object"], unique=True)
    op.create_table(
        "comments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_by_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["users.id"], name=op.f("fk_comments_created_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_comments_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_comments_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_comments_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
    )
    op.create_index(op.f("ix_comments_created_by_id"), "comments", ["created_by_id"], unique=False)
    op.create_index(op.f("ix_comments_organization_id"), "comments", ["organization_id"], unique=False)
    op.create_index("ix_comments_run_id_created_at", "comments", ["run_id", "created_at"], unique=False)
    op.create_index(op.f("ix_comments_workspace_id"), "comments", ["workspace_id"], unique=False)
    op.create_table(
        "log_chunks",
        sa.Column("phase_id", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_log_chunks_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("phase_id", "start", name=op.f("pk_log_chunks")),
    )
    op.create_index(op.f("ix_log_chunks_run_id"), "log_chunks", ["run_id"], unique=False)
    op.create_table(
        "plans",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("has_changes", sa.Boolean(), nullable=False),
        sa.Column("generated_configuration", sa.Boolean(), nullable=False),
        sa.Column("terraform_version", sa.Text(), nullable=True),
        sa.Column("plan_object", sa.Text(), nullable=True),
        sa.Column("plan_key", sa.Text(), nullable=True),
        sa.Column("json_object", sa.Text(), nullable=True),
        sa.Column("json_key", sa.Text(), nullable=True),
        sa.Column("redacted_object", sa.Text(), nullable=True),
        sa.Column("redacted_key", sa.Text(), nullable=True),
        sa.Column("lock_file_object", sa.Text(), nullable=True),
        sa.Column("lock_file_key", sa.Text(), nullable=True),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_timestamps", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("agent_name", sa.Text(), nullable=True),
        sa.Column("resource_additions", sa.Integer(), nullable=True),
        sa.Column("resource_changes", sa.Integer(), nullable=True),
        sa.Column("resource_destructions", sa.Integer(), nullable=True),
        sa.Column("resource_imports", sa.Integer(), nullable=True),
        sa.Column("log_length", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'queued', 'running', 'finished', 'errored', 'canceled', 'unreachable')",
            name=op.f("ck_plans_status"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_plans_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_plans_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_plans_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plans")),
        sa.UniqueConstraint("run_id", name=op.f("uq_plans_run_id")),
    )
    op.create_index(op.f("ix_plans_organization_id"), "plans", ["organization_id"], unique=False)
    op.create_index(op.f("ix_plans_workspace_id"), "plans", ["workspace_id"], unique=False)
    op.create_index("ix_plans_finished_at", "plans", ["finished_at"], unique=False)
    op.create_index("uq_plans_json_object", "plans", ["json_object"], unique=True)
    op.create_index("uq_plans_lock_file_object", "plans", ["lock_file_object"], unique=True)
    op.create_index("uq_plans_plan_object", "plans", ["plan_object"], unique=True)
    op.create_index("uq_plans_redacted_object", "plans", ["redacted_object"], unique=True)
    op.create_table(
        "run_jobs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("phase_id", sa.Text(), nullable=False),
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signal", sa.Text(), nullable=False),
        sa.Column("token_digest", sa.Text(), nullable=True),
        sa.CheckConstraint("phase IN ('plan', 'apply')", name=op.f("ck_run_jobs_phase")),
        sa.CheckConstraint("signal IN ('none', 'interrupt', 'kill')", name=op.f("ck_run_jobs_signal")),
        sa.CheckConstraint("status IN ('queued', 'acquired', 'started', 'finished')", name=op.f("ck_run_jobs_status")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_run_jobs_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_jobs_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_run_jobs_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_jobs")),
    )
    op.create_index(
        "ix_run_jobs_lease_until",
        "run_jobs",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("lease_until IS NOT NULL"),
        postgresql_where=sa.text("lease_until IS NOT NULL"),
    )
    op.create_index("ix_run_jobs_organization_id", "run_jobs", ["organization_id"], unique=False)
    op.create_index(
        "ix_run_jobs_queue",
        "run_jobs",
        ["pool", "status", "priority", "organization_id", "queued_at"],
        unique=False,
    )
    op.create_index("ix_run_jobs_run_id", "run_jobs", ["run_id"], unique=False)
    op.create_index("ix_run_jobs_workspace_id", "run_jobs", ["workspace_id"], unique=False)
    op.create_index("uq_run_jobs_phase_id", "run_jobs", ["phase_id"], unique=True)
    op.create_index("uq_run_jobs_token_digest", "run_jobs", ["token_digest"], unique=True)
    op.create_table(
        "run_events",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("actor_id", sa.Text(), nullable=True),
        sa.Column("comment_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_run_events_actor_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["comments.id"], name=op.f("fk_run_events_comment_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_run_events_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_events_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_run_events_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_events")),
    )
    op.create_index(op.f("ix_run_events_actor_id"), "run_events", ["actor_id"], unique=False)
    op.create_index(op.f("ix_run_events_comment_id"), "run_events", ["comment_id"], unique=False)
    op.create_index(op.f("ix_run_events_organization_id"), "run_events", ["organization_id"], unique=False)
    op.create_index("ix_run_events_run_id_number", "run_events", ["run_id", "number"], unique=False)
    op.create_index(op.f("ix_run_events_workspace_id"), "run_events", ["workspace_id"], unique=False)
    op.add_column("workspaces", sa.Column("current_run_id", sa.Text(), nullable=True))
    op.add_column("workspaces", sa.Column("latest_run_id", sa.Text(), nullable=True))
    with op.batch_alter_table("state_versions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("run_id", sa.Text(), nullable=True))
        batch_op.create_index("ix_state_versions_run_id", ["run_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_state_versions_run_id"), "runs", ["run_id"], ["id"], ondelete="SET NULL"
        )


def downgrade() -> None:
    """Take the change back."""
    op.drop_column("workspaces", "latest_run_id")
    op.drop_column("workspaces", "current_run_id")
    with op.batch_alter_table("state_versions", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_state_versions_run_id"), type_="foreignkey")
        batch_op.drop_index("ix_state_versions_run_id")
        batch_op.drop_column("run_id")

    op.drop_index(op.f("ix_run_events_workspace_id"), table_name="run_events")
    op.drop_index("ix_run_events_run_id_number", table_name="run_events")
    op.drop_index(op.f("ix_run_events_organization_id"), table_name="run_events")
    op.drop_index(op.f("ix_run_events_comment_id"), table_name="run_events")
    op.drop_index(op.f("ix_run_events_actor_id"), table_name="run_events")
    op.drop_table("run_events")
    op.drop_index("uq_run_jobs_token_digest", table_name="run_jobs")
    op.drop_index("uq_run_jobs_phase_id", table_name="run_jobs")
    op.drop_index("ix_run_jobs_workspace_id", table_name="run_jobs")
    op.drop_index("ix_run_jobs_run_id", table_name="run_jobs")
    op.drop_index("ix_run_jobs_queue", table_name="run_jobs")
    op.drop_index("ix_run_jobs_organization_id", table_name="run_jobs")
    op.drop_index(
        "ix_run_jobs_lease_until",
        table_name="run_jobs",
        sqlite_where=sa.text("lease_until IS NOT NULL"),
        postgresql_where=sa.text("lease_until IS NOT NULL"),
    )
    op.drop_table("run_jobs")
    op.drop_index("uq_plans_redacted_object", table_name="plans")
    op.drop_index("uq_plans_plan_object", table_name="plans")
    op.drop_index("uq_plans_lock_file_object", table_name="plans")
    op.drop_index("uq_plans_json_object", table_name="plans")
    op.drop_index("ix_plans_finished_at", table_name="plans")
    op.drop_index(op.f("ix_plans_workspace_id"), table_name="plans")
    op.drop_index(op.f("ix_plans_organization_id"), table_name="plans")
    op.drop_table("plans")
    op.drop_index(op.f("ix_log_chunks_run_id"), table_name="log_chunks")
    op.drop_table("log_chunks")
    op.drop_index(op.f("ix_comments_workspace_id"), table_name="comments")
    op.drop_index("ix_comments_run_id_created_at", table_name="comments")
    op.drop_index(op.f("ix_comments_organization_id"), table_name="comments")
    op.drop_index(op.f("ix_comments_created_by_id"), table_name="comments")
    op.drop_table("comments")
    op.drop_index("uq_applies_errored_state_object", table_name="applies")
    op.drop_index(op.f("ix_applies_workspace_id"), table_name="applies")
    op.drop_index(op.f("ix_applies_organization_id"), table_name="applies")
    op.drop_table("applies")
    op.drop_index(
        "uq_runs_workspace_id_holds_lock",
        table_name="runs",
        sqlite_where=sa.text("holds_lock"),
        postgresql_where=sa.text("holds_lock"),
    )
    op.drop_index("ix_runs_workspace_id_status_number", table_name="runs")
    op.drop_index("ix_runs_organization_id_status_created_at", table_name="runs")
    op.drop_index("ix_runs_organization_id_created_at", table_name="runs")
    op.drop_index("ix_runs_created_by_id", table_name="runs")
    op.drop_index("ix_runs_confirmed_by_id", table_name="runs")
    op.drop_index("ix_runs_configuration_version_id", table_name="runs")
    op.drop_index("ix_runs_canceled_by_id", table_name="runs")
    op.drop_table("runs")
