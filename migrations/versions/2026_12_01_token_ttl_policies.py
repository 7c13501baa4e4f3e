"""How long tokens of an organization may live at most.

Revision ID: b3f1c7a92e58
Revises: 8e2b6d40f1c7
Created: 2026-12-01 00:30:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "b3f1c7a92e58"
down_revision = "8e2b6d40f1c7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column(
        "organizations", sa.Column("max_ttl_enabled", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_table(
        "token_ttl_policies",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("token_type", sa.Text(), nullable=False),
        sa.Column("max_ttl_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "token_type IN ('audit_trails', 'organization', 'team')", name=op.f("ck_token_ttl_policies_token_type")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_token_ttl_policies_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token_ttl_policies")),
    )
    op.create_index(
        "uq_token_ttl_policies_organization_id_token_type",
        "token_ttl_policies",
        ["organization_id", "token_type"],
        unique=True,
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("token_ttl_policies")
    op.drop_column("organizations", "max_ttl_enabled")
