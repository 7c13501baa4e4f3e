"""Expired tokens are found by an index.

Revision ID: 326ee63a198a
Revises: f541bf37ce26
Created: 2026-11-30 17:00:23.364550+00:00
"""

from alembic import op

revision = "326ee63a198a"
down_revision = "f541bf37ce26"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""

    op.create_index(op.f("ix_authentication_tokens_expired_at"), "authentication_tokens", ["expired_at"], unique=False)


def downgrade() -> None:
    """Take the change back."""

    op.drop_index(op.f("ix_authentication_tokens_expired_at"), table_name="authentication_tokens")
