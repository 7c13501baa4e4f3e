"""tokens of organizations have purposes.

Revision ID: d85b1f6e0c37
Revises: 6fb0a2d93e17
Created: 2026-11-30 12:00:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "d85b1f6e0c37"
down_revision = "6fb0a2d93e17"
branch_labels = None
depends_on = None

INDEX = "uq_authentication_tokens_organization_id"
TABLE = "authentication_tokens"
OF_ORGANIZATIONS = sa.text("team_id IS NULL AND project_id IS NULL")


def upgrade() -> None:
    """Apply the change."""
    op.add_column(TABLE, sa.Column("purpose", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.drop_index(INDEX, table_name=TABLE)
    _create_index(["organization_id", "purpose"])


def downgrade() -> None:
    """Take the change back. Tokens for one purpose would become tokens for everything, so they are revoked."""
    op.execute("DELETE FROM authentication_tokens WHERE purpose <> ''")
    op.drop_index(INDEX, table_name=TABLE)
    _create_index(["organization_id"])
    op.drop_column(TABLE, "purpose")


def _create_index(columns: list[str]) -> None:
    op.create_index(
        INDEX, TABLE, columns, unique=True, sqlite_where=OF_ORGANIZATIONS, postgresql_where=OF_ORGANIZATIONS
    )
