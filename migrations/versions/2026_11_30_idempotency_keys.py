"""Keys of writes that a client may send again, with their answers.

Revision ID: 5d18b7a0c3e4
Revises: 4c7a90d2e6b8
Created: 2026-11-30 23:00:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "5d18b7a0c3e4"
down_revision = "4c7a90d2e6b8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "idempotency_keys",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Text(), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed_answer", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_expires_at"), "idempotency_keys", ["expires_at"])


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("idempotency_keys")
