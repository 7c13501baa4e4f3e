"""state versions and their outputs.

Revision ID: e7d2b94c5a18
Revises: 7b52e8c1d04f
Created: 2026-11-21 13:40:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "e7d2b94c5a18"
down_revision = "7b52e8c1d04f"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column("workspaces", sa.Column("current_state_version_id", sa.Text(), nullable=True))
    op.create_table(
        "state_versions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Text(), nullable=True),
        sa.Column("rollback_of_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("intermediate", sa.Boolean(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("md5", sa.Text(), nullable=False),
        sa.Column("lineage", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("state_object", sa.Text(), nullable=True),
        sa.Column("state_key", sa.Text(), nullable=True),
        sa.Column("json_state_object", sa.Text(), nullable=True),
        sa.Column("json_state_key", sa.Text(), nullable=True),
        sa.Column("format", sa.Integer(), nullable=True),
        sa.Column("terraform_version", sa.Text(), nullable=True),
        sa.Column("resource_count", sa.Integer(), nullable=False),
        sa.Column("modules", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("providers", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("resources", sa.JSON(none_as_null=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'finalized', 'discarded')",
            name=op.f("ck_state_versions_status"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["users.id"], name=op.f("fk_state_versions_created_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_state_versions_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["rollback_of_id"],
            ["state_versions.id"],
            name=op.f("fk_state_versions_rollback_of_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_state_versions_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_state_versions")),
        sa.UniqueConstraint("workspace_id", "number", name=op.f("uq_state_versions_workspace_id_number")),
    )
    with op.batch_alter_table("state_versions", schema=None) as batch_op:
        batch_op.create_index("ix_state_versions_created_by_id", ["created_by_id"], unique=False)
        batch_op.create_index("ix_state_versions_rollback_of_id", ["rollback_of_id"], unique=False)
        batch_op.create_index("ix_state_versions_organization_id", ["organization_id"], unique=False)

    op.create_table(
        "state_version_outputs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("state_version_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("detailed_type", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_state_version_outputs_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["state_version_id"],
            ["state_versions.id"],
            name=op.f("fk_state_version_outputs_state_version_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_state_version_outputs_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_state_version_outputs")),
        sa.UniqueConstraint("state_version_id", "name", name=op.f("uq_state_version_outputs_state_version_id_name")),
    )
    with op.batch_alter_table("state_version_outputs", schema=None) as batch_op:
        batch_op.create_index("ix_state_version_outputs_organization_id", ["organization_id"], unique=False)
        batch_op.create_index("ix_state_version_outputs_workspace_id", ["workspace_id"], unique=False)


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("state_version_outputs")
    op.drop_table("state_versions")
    op.drop_column("workspaces", "current_state_version_id")
