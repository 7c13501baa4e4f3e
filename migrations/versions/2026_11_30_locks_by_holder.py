"""Locks by holder: an index for releasing the locks of somebody who is deleted.

Revision ID: 9b4f17c3e2d8
Revises: 7c2e94d1ab60
Created: 2026-11-30 11:10:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "9b4f17c3e2d8"
down_revision = "7c2e94d1ab60"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    held = sa.text("locked_by_id IS NOT NULL")
    op.create_index(
        "ix_workspaces_locked_by_id", "workspaces", ["locked_by_id"], postgresql_where=held, sqlite_where=held
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_index("ix_workspaces_locked_by_id", table_name="workspaces")
