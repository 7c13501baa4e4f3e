"""projects tell when they were last changed.

Revision ID: 4d8e1c70a95b
Revises: a3d07f5b9c24
Created: 2026-11-30 11:40:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "4d8e1c70a95b"
down_revision = "a3d07f5b9c24"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column("projects", sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take the change back."""
    op.drop_column("projects", "updated_at")
