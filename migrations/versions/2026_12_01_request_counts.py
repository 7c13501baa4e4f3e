"""What the processes of the service tell each other about those who send many requests.

Revision ID: b3f60a9d27c8
Revises: b3f1c7a92e58
Created: 2026-12-01 00:30:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "b3f60a9d27c8"
down_revision = "b3f1c7a92e58"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "request_counts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("per_second", sa.Double(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", "process", name=op.f("pk_request_counts")),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("request_counts")
