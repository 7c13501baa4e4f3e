"""Run triggers, and the time of auto-destroy as a column.

Revision ID: 60eda14b1f76
Revises: 1f7c0a94d3e8
Created: 2026-11-30 16:41:46.971628+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "60eda14b1f76"
down_revision = "1f7c0a94d3e8"
branch_labels = None
depends_on = None

OF_RUNS = ("triggering_run_id", "triggering_source_id")
# The duration in force, and the time that lies so long after the last state, in the words of each database.
DURATION = """CASE WHEN inherits_project_auto_destroy
    THEN (SELECT auto_destroy_activity_duration FROM projects WHERE projects.id = workspaces.project_id)
    ELSE own_auto_destroy_activity_duration END"""
LATER = {
    "postgresql": f"state_changed_at + CAST({DURATION} AS interval)",
    "sqlite": f"""strftime('%Y-%m-%d %H:%M:%f000', state_changed_at, '+' || substr(({DURATION}), 1,
        length(({DURATION})) - 1) || CASE substr(({DURATION}), -1) WHEN 'd' THEN ' days' ELSE ' hours' END)""",
}
FILL = """UPDATE workspaces SET auto_destroy_due_at = CASE
    WHEN own_auto_destroy_at IS NOT NULL THEN own_auto_destroy_at
    WHEN resource_count > 0 OR EXISTS (SELECT 1 FROM state_versions
        WHERE state_versions.id = workspaces.current_state_version_id AND state_versions.encrypted) THEN {later} END"""
# These settings had no effect until now: nothing is destroyed before an operator has looked at them.
HOLD = """INSERT INTO service_marks (name, number, at) SELECT 'auto-destroy-held', 0, CURRENT_TIMESTAMP
    WHERE EXISTS (SELECT 1 FROM workspaces WHERE auto_destroy_due_at IS NOT NULL)
    OR EXISTS (SELECT 1 FROM projects WHERE auto_destroy_activity_duration IS NOT NULL)"""


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "service_marks",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_service_marks")),
    )
    op.create_table(
        "run_triggers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_run_triggers_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["workspaces.id"], name=op.f("fk_run_triggers_source_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_run_triggers_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_triggers")),
        sa.UniqueConstraint("workspace_id", "source_id", name=op.f("uq_run_triggers_workspace_id_source_id")),
    )
    op.create_index(op.f("ix_run_triggers_organization_id"), "run_triggers", ["organization_id"], unique=False)
    op.create_index(op.f("ix_run_triggers_source_id"), "run_triggers", ["source_id"], unique=False)
    for name in OF_RUNS:
        op.add_column("runs", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("workspaces", sa.Column("auto_destroy_due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("workspaces", sa.Column("auto_destroy_status", sa.Text(), nullable=True))
    op.add_column("workspaces", sa.Column("auto_destroy_error", sa.Text(), nullable=True))
    op.add_column("workspaces", sa.Column("auto_destroy_reminded_of", sa.DateTime(timezone=True), nullable=True))
    op.add_column("workspaces", sa.Column("auto_destroy_reminded_hours", sa.Integer(), nullable=True))
    op.create_index(
        "ix_workspaces_auto_destroy_due_at",
        "workspaces",
        ["auto_destroy_due_at"],
        unique=False,
        postgresql_where=sa.text("auto_destroy_due_at IS NOT NULL"),
        sqlite_where=sa.text("auto_destroy_due_at IS NOT NULL"),
    )
    op.execute(FILL.format(later=LATER[op.get_bind().dialect.name]))
    op.execute(HOLD)


def downgrade() -> None:
    """Take the change back."""
    op.drop_index(
        "ix_workspaces_auto_destroy_due_at",
        table_name="workspaces",
        postgresql_where=sa.text("auto_destroy_due_at IS NOT NULL"),
        sqlite_where=sa.text("auto_destroy_due_at IS NOT NULL"),
    )
    op.drop_column("workspaces", "auto_destroy_reminded_hours")
    op.drop_column("workspaces", "auto_destroy_reminded_of")
    op.drop_column("workspaces", "auto_destroy_error")
    op.drop_column("workspaces", "auto_destroy_status")
    op.drop_column("workspaces", "auto_destroy_due_at")
    for name in OF_RUNS:
        op.drop_column("runs", name)
    op.drop_index(op.f("ix_run_triggers_source_id"), table_name="run_triggers")
    op.drop_index(op.f("ix_run_triggers_organization_id"), table_name="run_triggers")
    op.drop_table("run_triggers")
    op.drop_table("service_marks")
