"""All workspaces by name: an index for the list that spans organizations.

Revision ID: 5d1f0a8c3b7e
Revises: e89af55c8bc2
Created: 2026-11-21 16:14:02.118450+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "5d1f0a8c3b7e"
down_revision = "e89af55c8bc2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_index("ix_workspaces_name_id", "workspaces", [sa.literal_column("lower(name)"), "id"])


def downgrade() -> None:
    """Take the change back."""
    op.drop_index("ix_workspaces_name_id", table_name="workspaces")
