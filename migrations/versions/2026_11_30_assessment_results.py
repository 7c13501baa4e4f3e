"""Assessments of the health of workspaces.

Revision ID: f541bf37ce26
Revises: 60eda14b1f76
Created: 2026-11-30 16:49:16.640123+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "f541bf37ce26"
down_revision = "60eda14b1f76"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "assessment_results",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column("drifted", sa.Boolean(), nullable=False),
        sa.Column("all_checks_succeeded", sa.Boolean(), nullable=False),
        sa.Column("resources_drifted", sa.Integer(), nullable=True),
        sa.Column("resources_undrifted", sa.Integer(), nullable=True),
        sa.Column("checks_passed", sa.Integer(), nullable=True),
        sa.Column("checks_failed", sa.Integer(), nullable=True),
        sa.Column("checks_errored", sa.Integer(), nullable=True),
        sa.Column("checks_unknown", sa.Integer(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_assessment_results_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_assessment_results_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_assessment_results_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessment_results")),
        sa.UniqueConstraint("run_id", name=op.f("uq_assessment_results_run_id")),
    )
    op.create_index(
        op.f("ix_assessment_results_organization_id"), "assessment_results", ["organization_id"], unique=False
    )
    op.create_index(
        "ix_assessment_results_workspace_id_created_at",
        "assessment_results",
        ["workspace_id", "created_at"],
        unique=False,
    )
    op.add_column("workspaces", sa.Column("assessed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("workspaces", sa.Column("current_assessment_result_id", sa.Text(), nullable=True))
    op.add_column("workspaces", sa.Column("last_assessment_result_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take the change back."""
    op.drop_column("workspaces", "last_assessment_result_at")
    op.drop_column("workspaces", "current_assessment_result_id")
    op.drop_column("workspaces", "assessed_at")
    op.drop_index("ix_assessment_results_workspace_id_created_at", table_name="assessment_results")
    op.drop_index(op.f("ix_assessment_results_organization_id"), table_name="assessment_results")
    op.drop_table("assessment_results")
