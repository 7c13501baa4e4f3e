"""What states tell: whether they are encrypted or forced, and the tool of a workspace.

Revision ID: 7c2e94d1ab60
Revises: 7c02d9e4b61a
Created: 2026-11-30 10:50:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "7c2e94d1ab60"
down_revision = "7c02d9e4b61a"
branch_labels = None
depends_on = None

COLUMNS = (("state_versions", "encrypted"), ("state_versions", "forced"), ("workspaces", "has_own_iac_tool"))


def upgrade() -> None:
    """Apply the change."""
    for table, name in COLUMNS:
        op.add_column(table, sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False))
    # Terraform was the default: whoever has another tool has chosen it.
    op.execute("UPDATE workspaces SET has_own_iac_tool = true WHERE iac_tool <> 'terraform'")


def downgrade() -> None:
    """Take the change back."""
    for table, name in COLUMNS:
        op.drop_column(table, name)
