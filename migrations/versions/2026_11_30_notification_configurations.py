"""Notification configurations.

Revision ID: 5e1d3a9c7b40
Revises: 326ee63a198a
Created: 2026-11-30 16:45:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "5e1d3a9c7b40"
down_revision = "326ee63a198a"
branch_labels = None
depends_on = None

TABLE = "notification_configurations"
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Apply the change."""
    parents = {"organization_id": "organizations", "workspace_id": "workspaces"}
    parents |= {"own_project_id": "projects", "team_id": "teams"}
    op.create_table(
        TABLE,
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=True),
        sa.Column("own_project_id", sa.Text(), nullable=True),
        sa.Column("team_id", sa.Text(), nullable=True),
        sa.Column("name", NAME, nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("destination_type", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("sealed_token", sa.Text(), nullable=True),
        sa.Column("triggers", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("email_addresses", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("user_ids", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("email_all_members", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("delivery_responses", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "destination_type IN ('email', 'generic', 'slack', 'microsoft-teams')",
            name=op.f(f"ck_{TABLE}_destination_type"),
        ),
        sa.CheckConstraint(
            "workspace_id IS NOT NULL AND own_project_id IS NULL AND team_id IS NULL "
            "OR workspace_id IS NULL AND own_project_id IS NOT NULL AND team_id IS NULL "
            "OR workspace_id IS NULL AND own_project_id IS NULL AND team_id IS NOT NULL",
            name=op.f(f"ck_{TABLE}_subscribable"),
        ),
        *(
            sa.ForeignKeyConstraint([column], [f"{parent}.id"], name=op.f(f"fk_{TABLE}_{column}"), ondelete="CASCADE")
            for column, parent in parents.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
    )
    op.create_index(op.f(f"ix_{TABLE}_organization_id"), TABLE, ["organization_id"])
    for column in ("workspace_id", "own_project_id", "team_id"):
        op.create_index(op.f(f"ix_{TABLE}_{column}_name"), TABLE, [column, "name"])


def downgrade() -> None:
    """Take the change back."""
    op.drop_table(TABLE)
