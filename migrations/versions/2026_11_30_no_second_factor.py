"""no organization requires a second factor, which nobody could have.

Revision ID: 91b7d2f05c3e
Revises: c1a86f5d09e3
Created: 2026-11-30 11:20:00.000000+00:00
"""

from alembic import op

revision = "91b7d2f05c3e"
down_revision = "c1a86f5d09e3"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    # It was stored without any effect, and looked like security.
    op.execute("UPDATE organizations SET collaborator_auth_policy = 'password'")


def downgrade() -> None:
    """Take the change back: there is nothing to undo."""
