"""the ledger of stored objects.

Revision ID: 5c1a9e70b3d6
Revises: e7d2b94c5a18
Create Date: 2026-11-21 15:00:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "5c1a9e70b3d6"
down_revision = "e7d2b94c5a18"
branch_labels = None
depends_on = None

NAMING = ("state_object", "json_state_object")


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "stored_objects",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("condemned_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_stored_objects")),
    )
    condemned = sa.text("condemned_at IS NOT NULL")
    op.create_index(
        "ix_stored_objects_condemned",
        "stored_objects",
        ["name"],
        sqlite_where=condemned,
        postgresql_where=condemned,
    )
    for column in NAMING:
        op.create_index(f"uq_state_versions_{column}", "state_versions", [column], unique=True)
        # The objects that are there already.
        versions = sa.table("state_versions", sa.column(column), sa.column("created_at"))
        objects = sa.table("stored_objects", sa.column("name"), sa.column("created_at"))
        there = sa.select(versions.c[column], versions.c.created_at).where(versions.c[column].is_not(None))
        op.execute(sa.insert(objects).from_select(["name", "created_at"], there))


def downgrade() -> None:
    """Take the change back."""
    for column in NAMING:
        op.drop_index(f"uq_state_versions_{column}", table_name="state_versions")
    op.drop_table("stored_objects")
