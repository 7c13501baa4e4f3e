"""Agents with the tokens of their pools, and configuration versions.

Revision ID: b46e0f8d2a71
Revises: 3fa81c6be507
Created: 2026-11-30 13:40:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "b46e0f8d2a71"
down_revision = "3fa81c6be507"
branch_labels = None
depends_on = None

TOKENS = "authentication_tokens"
# The copy on SQLite needs no look at the tables it refers to.
ALONE = {"resolve_fks": False}
KIND = "ck_authentication_tokens_kind"
OLD_KINDS = (
    "kind = 'user' AND user_id IS NOT NULL AND organization_id IS NULL AND team_id IS NULL"
    " OR kind = 'organization' AND organization_id IS NOT NULL AND user_id IS NULL AND team_id IS NULL"
    " OR kind = 'team' AND organization_id IS NOT NULL AND user_id IS NULL AND team_id IS NOT NULL"
    " OR kind = 'project' AND organization_id IS NOT NULL AND user_id IS NULL AND team_id IS NULL"
)
KINDS = f"{OLD_KINDS} OR kind = 'agent' AND user_id IS NULL AND team_id IS NULL"
AGENT = (
    "kind = 'agent' AND organization_id IS NOT NULL AND agent_pool_id IS NOT NULL"
    " OR kind = 'agent' AND organization_id IS NULL AND agent_pool_id IS NULL"
    " OR kind != 'agent' AND agent_pool_id IS NULL"
)
ONE_TOKEN = "uq_authentication_tokens_organization_id"  # noqa: S105 - an index
OLD_ONE_TOKEN_WHERE = "team_id IS NULL AND project_id IS NULL"  # noqa: S105
ONE_TOKEN_WHERE = f"{OLD_ONE_TOKEN_WHERE} AND agent_pool_id IS NULL"
BY_POOL = "ix_authentication_tokens_agent_pool_id_created_at"


def upgrade() -> None:
    """Apply the change."""
    op.add_column("agent_pools", sa.Column("max_concurrent_runs", sa.Integer(), nullable=True))
    op.add_column("organizations", sa.Column("max_concurrent_runs", sa.Integer(), nullable=True))
    op.drop_index(ONE_TOKEN, table_name=TOKENS)
    with op.batch_alter_table(TOKENS, reflect_kwargs=ALONE) as batch_op:
        batch_op.drop_constraint(batch_op.f(KIND), type_="check")
        batch_op.add_column(sa.Column("agent_pool_id", sa.Text(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_authentication_tokens_agent_pool_id"),
            "agent_pools",
            ["agent_pool_id"],
            ["id"],
            ondelete="CASCADE",
        )
        batch_op.create_check_constraint(batch_op.f(KIND), KINDS)
        keep_default(batch_op)
        batch_op.create_check_constraint(batch_op.f("ck_authentication_tokens_agent"), AGENT)
    op.create_index(BY_POOL, TOKENS, ["agent_pool_id", "created_at"])
    one_token_where(ONE_TOKEN_WHERE)
    agents()
    configuration_versions()


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("configuration_versions")
    op.drop_table("agents")
    # The tokens of pools have no place in the older table.
    op.execute("DELETE FROM authentication_tokens WHERE kind = 'agent'")
    op.drop_index(BY_POOL, table_name=TOKENS)
    op.drop_index(ONE_TOKEN, table_name=TOKENS)
    with op.batch_alter_table(TOKENS, reflect_kwargs=ALONE) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_authentication_tokens_agent"), type_="check")
        batch_op.drop_constraint(batch_op.f(KIND), type_="check")
        batch_op.drop_constraint(batch_op.f("fk_authentication_tokens_agent_pool_id"), type_="foreignkey")
        batch_op.drop_column("agent_pool_id")
        batch_op.create_check_constraint(batch_op.f(KIND), OLD_KINDS)
        keep_default(batch_op)
    one_token_where(OLD_ONE_TOKEN_WHERE)
    op.drop_column("organizations", "max_concurrent_runs")
    op.drop_column("agent_pools", "max_concurrent_runs")


def keep_default(batch_op: BatchOperations) -> None:
    # The copy on SQLite would put the default that it reads from the table into another pair of brackets.
    batch_op.alter_column("purpose", existing_type=sa.Text(), existing_nullable=False, server_default=sa.text("''"))


def one_token_where(condition: str) -> None:
    where = sa.text(condition)
    columns = ["organization_id", "purpose"]
    op.create_index(ONE_TOKEN, TOKENS, columns, unique=True, sqlite_where=where, postgresql_where=where)


def agents() -> None:
    op.create_table(
        "agents",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=True),
        sa.Column("agent_pool_id", sa.Text(), nullable=True),
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("os", sa.Text(), nullable=False),
        sa.Column("arch", sa.Text(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("is_single", sa.Boolean(), nullable=False),
        sa.Column("tools", sa.JSON(), nullable=False),
        sa.Column("sandbox", sa.Text(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("last_ping_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('idle', 'busy', 'exited')", name=op.f("ck_agents_status")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_agents_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["agent_pool_id"], ["agent_pools.id"], name=op.f("fk_agents_agent_pool_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
    )
    op.create_index("ix_agents_pool_last_ping_at", "agents", ["pool", "last_ping_at"])
    op.create_index("ix_agents_agent_pool_id", "agents", ["agent_pool_id"])
    op.create_index("ix_agents_organization_id", "agents", ["organization_id"])


def configuration_versions() -> None:
    table = "configuration_versions"
    op.create_table(
        table,
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("speculative", sa.Boolean(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("auto_queue_runs", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("status_timestamps", sa.JSON(), nullable=False),
        sa.Column("archive_object", sa.Text(), nullable=True),
        sa.Column("archive_key", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'uploaded', 'archived', 'errored')", name=op.f("ck_configuration_versions_status")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f(f"fk_{table}_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f(f"fk_{table}_workspace_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["users.id"], name=op.f(f"fk_{table}_created_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(f"ix_{table}_workspace_id_created_at", table, ["workspace_id", "created_at", "id"])
    op.create_index(f"ix_{table}_created_by_id", table, ["created_by_id"])
    op.create_index(f"ix_{table}_organization_id", table, ["organization_id"])
    op.create_index(f"uq_{table}_archive_object", table, ["archive_object"], unique=True)
