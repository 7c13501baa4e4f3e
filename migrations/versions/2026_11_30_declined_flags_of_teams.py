"""Flags of a team that were sent as false although another one includes them.

Revision ID: 0d6c71e5f8a3
Revises: 5b8f03c9d217
Created: 2026-11-30 11:20:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "0d6c71e5f8a3"
down_revision = "5b8f03c9d217"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column(
        "teams", sa.Column("declined_access", sa.JSON(none_as_null=True), server_default="[]", nullable=False)
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_column("teams", "declined_access")
