"""tokens of projects have holders, and levels of creators are marked.

Revision ID: 7c02d9e4b61a
Revises: 3e9a51c0d7f4
Created: 2026-11-30 10:40:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "7c02d9e4b61a"
down_revision = "3e9a51c0d7f4"
branch_labels = None
depends_on = None

# The tokens that users have made, who are still members.
HOLDERS = """
UPDATE authentication_tokens SET membership_id = (
    SELECT m.id FROM organization_memberships m
    WHERE m.organization_id = authentication_tokens.organization_id AND m.user_id = authentication_tokens.created_by_id
)
WHERE kind = 'project' AND created_by_type = 'users'
"""
# The entry of a creator was recorded by no event, unlike those that somebody has granted.
CREATORS = """
UPDATE workspace_acl_entries SET created_in_id = (
    SELECT w.project_id FROM workspaces w WHERE w.id = workspace_acl_entries.workspace_id
)
WHERE NOT EXISTS (
    SELECT 1 FROM activity_events e
    WHERE e.subject_id = workspace_acl_entries.id AND e.workspace_id = workspace_acl_entries.workspace_id
)
"""


def upgrade() -> None:
    """Apply the change."""
    op.add_column("authentication_tokens", sa.Column("membership_id", sa.Text(), nullable=True))
    op.create_index("ix_authentication_tokens_membership_id", "authentication_tokens", ["membership_id"])
    op.add_column("workspace_acl_entries", sa.Column("created_in_id", sa.Text(), nullable=True))
    op.execute(HOLDERS)
    op.execute(CREATORS)


def downgrade() -> None:
    """Take the change back."""
    op.drop_column("workspace_acl_entries", "created_in_id")
    op.drop_index("ix_authentication_tokens_membership_id", table_name="authentication_tokens")
    op.drop_column("authentication_tokens", "membership_id")
