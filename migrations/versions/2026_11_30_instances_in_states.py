"""Instances in states: what the list of a workspace's resources shows, and how long the JSON form of a state is.

Revision ID: c1a86f5d09e3
Revises: 9b4f17c3e2d8
Created: 2026-11-30 11:20:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "c1a86f5d09e3"
down_revision = "9b4f17c3e2d8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column("state_versions", sa.Column("json_state_size", sa.BigInteger(), nullable=True))
    op.add_column("state_versions", sa.Column("instances", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    """Take the change back."""
    op.drop_column("state_versions", "instances")
    op.drop_column("state_versions", "json_state_size")
