"""SSH keys.

Revision ID: a3d07f5b9c24
Revises: 0d6c71e5f8a3
Created: 2026-11-30 11:30:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "a3d07f5b9c24"
down_revision = "0d6c71e5f8a3"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "ssh_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("sealed_value", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_ssh_keys_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ssh_keys")),
        sa.UniqueConstraint("organization_id", "name", name=op.f("uq_ssh_keys_organization_id_name")),
    )
    op.add_column("workspaces", sa.Column("ssh_key_id", sa.Text(), nullable=True))
    op.create_index(op.f("ix_workspaces_ssh_key_id"), "workspaces", ["ssh_key_id"])


def downgrade() -> None:
    """Take the change back."""
    op.drop_index(op.f("ix_workspaces_ssh_key_id"), table_name="workspaces")
    op.drop_column("workspaces", "ssh_key_id")
    op.drop_table("ssh_keys")
