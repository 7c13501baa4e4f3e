"""The messages of invitations: how often links were made for an address.

Revision ID: 8c41d7e2f09b
Revises: 5d1f0a8c3b7e
Created: 2026-11-21 18:33:40.512604+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "8c41d7e2f09b"
down_revision = "5d1f0a8c3b7e"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "invitation_messages",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("invitation_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation_messages")),
    )
    with op.batch_alter_table("invitation_messages", schema=None) as batch_op:
        batch_op.create_index("ix_invitation_messages_address_created_at", ["address", "created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_invitation_messages_created_at"), ["created_at"], unique=False)
        batch_op.create_index(
            "ix_invitation_messages_invitation_id_created_at", ["invitation_id", "created_at"], unique=False
        )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("invitation_messages")
