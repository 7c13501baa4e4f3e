"""Plain tags: whether a tag of a workspace is one, or a key whose value is empty.

Revision ID: 5b8f03c9d217
Revises: 91b7d2f05c3e
Created: 2026-11-30 11:10:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "5b8f03c9d217"
down_revision = "91b7d2f05c3e"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column("tag_bindings", sa.Column("is_plain", sa.Boolean(), server_default=sa.false(), nullable=False))
    # Until now, a tag without a value was a plain one.
    op.execute("UPDATE tag_bindings SET is_plain = true WHERE workspace_id IS NOT NULL AND value = ''")


def downgrade() -> None:
    """Take the change back."""
    op.drop_column("tag_bindings", "is_plain")
