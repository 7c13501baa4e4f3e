"""Recoverable items: what was deleted and can be brought back for some days.

Revision ID: 22dfa7db6e21
Revises: b3f60a9d27c8
Created: 2026-12-01 03:24:00.197453+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "22dfa7db6e21"
down_revision = "b3f60a9d27c8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "recoverable_items",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("environment_id", sa.Text(), nullable=False),
        sa.Column("cell", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True),
        sa.Column("recoverable_type", sa.Text(), nullable=False),
        sa.Column("recoverable_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("resource_count", sa.Integer(), nullable=False),
        sa.Column("deleted_by_id", sa.Text(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "recoverable_type IN ('workspaces', 'projects')", name=op.f("ck_recoverable_items_recoverable_type")
        ),
        sa.CheckConstraint(
            "status IN ('kept', 'recovered', 'deleted', 'expired')", name=op.f("ck_recoverable_items_status")
        ),
        sa.ForeignKeyConstraint(
            ["deleted_by_id"], ["users.id"], name=op.f("fk_recoverable_items_deleted_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_recoverable_items_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recoverable_items")),
    )
    op.create_index(op.f("ix_recoverable_items_deleted_by_id"), "recoverable_items", ["deleted_by_id"], unique=False)
    op.create_index(
        "ix_recoverable_items_organization_id_status",
        "recoverable_items",
        ["organization_id", "status", "expires_at"],
        unique=False,
    )
    op.create_index(
        "ix_recoverable_items_project_id_status",
        "recoverable_items",
        ["project_id", "status", "expires_at"],
        unique=False,
    )
    op.create_index(
        "ix_recoverable_items_status_expires_at", "recoverable_items", ["status", "expires_at"], unique=False
    )
    op.create_table(
        "recoverable_objects",
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("kept_object", sa.Text(), nullable=False),
        sa.Column("kept_key", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["recoverable_items.id"], name=op.f("fk_recoverable_objects_item_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_recoverable_objects_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("item_id", "kept_object", name=op.f("pk_recoverable_objects")),
    )
    op.create_index(op.f("ix_recoverable_objects_kept_object"), "recoverable_objects", ["kept_object"], unique=False)
    op.create_index(
        op.f("ix_recoverable_objects_organization_id"), "recoverable_objects", ["organization_id"], unique=False
    )
    op.create_table(
        "recoverable_rows",
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["recoverable_items.id"], name=op.f("fk_recoverable_rows_item_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("item_id", "number", name=op.f("pk_recoverable_rows")),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("recoverable_rows")
    op.drop_index(op.f("ix_recoverable_objects_organization_id"), table_name="recoverable_objects")
    op.drop_index(op.f("ix_recoverable_objects_kept_object"), table_name="recoverable_objects")
    op.drop_table("recoverable_objects")
    op.drop_index("ix_recoverable_items_status_expires_at", table_name="recoverable_items")
    op.drop_index("ix_recoverable_items_project_id_status", table_name="recoverable_items")
    op.drop_index("ix_recoverable_items_organization_id_status", table_name="recoverable_items")
    op.drop_index(op.f("ix_recoverable_items_deleted_by_id"), table_name="recoverable_items")
    op.drop_table("recoverable_items")
