"""The serial in each state, which may be above the one that its version was given.

Revision ID: 3fa81c6be507
Revises: d85b1f6e0c37
Created: 2026-11-30 12:27:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "3fa81c6be507"
down_revision = "d85b1f6e0c37"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column("state_versions", sa.Column("serial_in_state", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Take the change back."""
    op.drop_column("state_versions", "serial_in_state")
