"""users can be suspended.

Revision ID: 3e9a51c0d7f4
Revises: 8c41d7e2f09b
Created: 2026-11-30 10:30:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "3e9a51c0d7f4"
down_revision = "8c41d7e2f09b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column("users", sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take the change back."""
    op.drop_column("users", "suspended_at")
