"""Grants that expire: when roles in projects, access of teams and entries of access lists end by themselves.

Revision ID: 4c9f1e7a2b85
Revises: 7d1e94a3c05b
Created: 2026-12-01 04:15:00+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "4c9f1e7a2b85"
down_revision = "7d1e94a3c05b"
branch_labels = None
depends_on = None

TABLES = ("project_members", "team_projects", "team_workspaces", "workspace_acl_entries")
ENDS = sa.text("expires_at IS NOT NULL")


def upgrade() -> None:
    """Apply the change."""
    for table in TABLES:
        op.add_column(table, sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
        op.create_index(
            f"ix_{table}_expires_at", table, ["expires_at"], unique=False, postgresql_where=ENDS, sqlite_where=ENDS
        )


def downgrade() -> None:
    """Take the change back."""
    for table in TABLES:
        op.drop_index(f"ix_{table}_expires_at", table_name=table, postgresql_where=ENDS, sqlite_where=ENDS)
        op.drop_column(table, "expires_at")
