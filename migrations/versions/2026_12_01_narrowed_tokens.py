"""Tokens of organizations that are narrowed to some of what the organization's token may do.

Revision ID: 8e2b6d40f1c7
Revises: 5d18b7a0c3e4
Created: 2026-12-01 00:10:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "8e2b6d40f1c7"
down_revision = "5d18b7a0c3e4"
branch_labels = None
depends_on = None

NAME = "uq_authentication_tokens_organization_id"
OF_ORGANIZATIONS = "team_id IS NULL AND project_id IS NULL AND agent_pool_id IS NULL"


def upgrade() -> None:
    """Apply the change."""
    op.add_column("authentication_tokens", sa.Column("narrowed_to", sa.JSON(none_as_null=True), nullable=True))
    _unique(f"{OF_ORGANIZATIONS} AND purpose <> 'narrowed'")


def downgrade() -> None:
    """Take the change back. Narrowed tokens would be tokens for everything, so they end."""
    op.execute("DELETE FROM authentication_tokens WHERE purpose = 'narrowed'")
    _unique(OF_ORGANIZATIONS)
    op.drop_column("authentication_tokens", "narrowed_to")


def _unique(condition: str) -> None:
    op.drop_index(NAME, table_name="authentication_tokens")
    op.create_index(
        NAME,
        "authentication_tokens",
        ["organization_id", "purpose"],
        unique=True,
        sqlite_where=sa.text(condition),
        postgresql_where=sa.text(condition),
    )
