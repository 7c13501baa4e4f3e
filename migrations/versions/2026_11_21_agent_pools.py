"""agent pools.

Revision ID: 5d0c8e7b1f36
Revises: 5c1a9e70b3d6
Created: 2026-11-21 15:10:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "5d0c8e7b1f36"
down_revision = "5c1a9e70b3d6"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
# Each table names what a pool is open to, or closed to.
LISTED = (
    ("agent_pool_allowed_workspaces", "workspace_id", "workspaces"),
    ("agent_pool_allowed_projects", "project_id", "projects"),
    ("agent_pool_excluded_workspaces", "workspace_id", "workspaces"),
)


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "agent_pools",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("organization_scoped", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_agent_pools_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_pools")),
    )
    op.create_index(
        "uq_agent_pools_organization_id_name", "agent_pools", ["organization_id", sa.text("lower(name)")], unique=True
    )
    op.create_index(
        "ix_agent_pools_organization_id_created_at",
        "agent_pools",
        ["organization_id", "created_at", sa.text("lower(name)")],
    )
    for table, column, referred in LISTED:
        op.create_table(
            table,
            sa.Column("agent_pool_id", sa.Text(), nullable=False),
            sa.Column(column, sa.Text(), nullable=False),
            sa.ForeignKeyConstraint(
                ["agent_pool_id"], ["agent_pools.id"], name=op.f(f"fk_{table}_agent_pool_id"), ondelete="CASCADE"
            ),
            sa.ForeignKeyConstraint(
                [column], [f"{referred}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
            ),
            sa.PrimaryKeyConstraint("agent_pool_id", column, name=op.f(f"pk_{table}")),
        )
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    op.add_column("organizations", sa.Column("default_agent_pool_id", sa.Text(), nullable=True))
    for table in ("projects", "workspaces"):
        op.add_column(table, sa.Column("own_agent_pool_id", sa.Text(), nullable=True))
        op.create_index(op.f(f"ix_{table}_own_agent_pool_id"), table, ["own_agent_pool_id"])


def downgrade() -> None:
    """Take the change back."""
    # Without pools there is no mode that names one.
    op.execute("UPDATE organizations SET default_execution_mode = 'local' WHERE default_execution_mode = 'agent'")
    for table in ("workspaces", "projects"):
        op.execute(f"UPDATE {table} SET own_execution_mode = NULL WHERE own_execution_mode = 'agent'")  # noqa: S608
        op.drop_index(op.f(f"ix_{table}_own_agent_pool_id"), table_name=table)
        op.drop_column(table, "own_agent_pool_id")
    op.drop_column("organizations", "default_agent_pool_id")
    for table, _, _ in reversed(LISTED):
        op.drop_table(table)
    op.drop_table("agent_pools")
