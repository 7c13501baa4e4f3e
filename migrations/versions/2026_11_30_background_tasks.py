"""Background tasks.

Revision ID: 839415105f5c
Revises: 806bd5357572
Created: 2026-11-30 16:41:05.202202+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "839415105f5c"
down_revision = "806bd5357572"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""

    op.create_table(
        "background_tasks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("lane", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("payload", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("every_seconds", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('waiting', 'dead')", name=op.f("ck_background_tasks_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_background_tasks")),
    )
    op.create_index("ix_background_tasks_kind_run_at", "background_tasks", ["kind", "run_at"], unique=False)
    op.create_index("ix_background_tasks_lane_position", "background_tasks", ["lane", "position"], unique=False)
    op.create_index("ix_background_tasks_status_run_at", "background_tasks", ["status", "run_at"], unique=False)
    op.create_index("uq_background_tasks_key", "background_tasks", ["key"], unique=True)


def downgrade() -> None:
    """Take the change back."""

    op.drop_index("uq_background_tasks_key", table_name="background_tasks")
    op.drop_index("ix_background_tasks_status_run_at", table_name="background_tasks")
    op.drop_index("ix_background_tasks_lane_position", table_name="background_tasks")
    op.drop_index("ix_background_tasks_kind_run_at", table_name="background_tasks")
    op.drop_table("background_tasks")
