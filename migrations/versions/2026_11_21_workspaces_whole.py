"""workspaces with locks, all their settings and tags.

Revision ID: c41f7a90d2be
Revises: ab4556efef1f
Created: 2026-11-21 13:30:00.000000+00:00
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "c41f7a90d2be"
down_revision = "ab4556efef1f"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
# The copy on SQLite needs no look at the tables it refers to.
ALONE = {"resolve_fks": False}


def settings() -> list[sa.Column[Any]]:
    """The new columns of workspaces: each can be added without a copy of the table, which would lose its indexes."""
    return [
        sa.Column("locked_by_type", sa.Text(), nullable=True),
        sa.Column("locked_by_id", sa.Text(), nullable=True),
        sa.Column("locked_by_name", sa.Text(), nullable=True),
        sa.Column("locked_reason", sa.Text(), nullable=True),
        sa.Column("state_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("auto_apply_run_trigger", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("assessments_enabled", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("project_remote_state", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("trigger_prefixes", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("trigger_patterns", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("own_auto_destroy_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source_name", sa.Text(), nullable=True),
        sa.Column("source_url", sa.Text(), nullable=True),
    ]


def upgrade() -> None:
    """Apply the change."""
    for column in settings():
        op.add_column("workspaces", column)
    op.create_index(
        "ix_workspaces_organization_id_latest_change",
        "workspaces",
        ["organization_id", sa.text("coalesce(state_changed_at, created_at)"), sa.text("lower(name)")],
        unique=False,
    )
    with op.batch_alter_table("tag_bindings", reflect_kwargs=ALONE) as batch_op:
        batch_op.alter_column("project_id", existing_type=sa.Text(), nullable=True)
        batch_op.add_column(sa.Column("workspace_id", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False))
        batch_op.add_column(sa.Column("tag_id", sa.Text(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_tag_bindings_workspace_id"), "workspaces", ["workspace_id"], ["id"], ondelete="CASCADE"
        )
        batch_op.create_unique_constraint(batch_op.f("uq_tag_bindings_workspace_id_key"), ["workspace_id", "key"])
        batch_op.create_check_constraint(
            batch_op.f("ck_tag_bindings_bound_to_one"), "(project_id IS NULL) <> (workspace_id IS NULL)"
        )
        batch_op.create_index("ix_tag_bindings_tag_id", ["tag_id"], unique=False)

    op.create_table(
        "reserved_tag_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("disable_overrides", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_reserved_tag_keys_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reserved_tag_keys")),
    )
    op.create_index(
        "uq_reserved_tag_keys_organization_id_key",
        "reserved_tag_keys",
        ["organization_id", sa.text("lower(key)")],
        unique=True,
    )
    op.create_table(
        "remote_state_consumers",
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("consumer_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["consumer_id"],
            ["workspaces.id"],
            name=op.f("fk_remote_state_consumers_consumer_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_remote_state_consumers_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "consumer_id", name=op.f("pk_remote_state_consumers")),
    )
    op.create_index(op.f("ix_remote_state_consumers_consumer_id"), "remote_state_consumers", ["consumer_id"])
    op.create_table(
        "team_workspaces",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("team_id", sa.Text(), nullable=False),
        sa.Column("access", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=True),
        sa.CheckConstraint(
            "access IN ('read', 'plan', 'write', 'admin', 'custom')", name=op.f("ck_team_workspaces_access")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_team_workspaces_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_team_workspaces_team_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_team_workspaces_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team_workspaces")),
        sa.UniqueConstraint("team_id", "workspace_id", name=op.f("uq_team_workspaces_team_id_workspace_id")),
    )
    op.create_index(op.f("ix_team_workspaces_organization_id"), "team_workspaces", ["organization_id"])
    op.create_index(op.f("ix_team_workspaces_workspace_id"), "team_workspaces", ["workspace_id"])


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("team_workspaces")
    op.drop_table("remote_state_consumers")
    op.drop_table("reserved_tag_keys")
    # The tags of workspaces have no place in the older table.
    op.execute("DELETE FROM tag_bindings WHERE workspace_id IS NOT NULL")
    with op.batch_alter_table("tag_bindings", reflect_kwargs=ALONE) as batch_op:
        batch_op.drop_index("ix_tag_bindings_tag_id")
        batch_op.drop_constraint(batch_op.f("ck_tag_bindings_bound_to_one"), type_="check")
        batch_op.drop_constraint(batch_op.f("uq_tag_bindings_workspace_id_key"), type_="unique")
        batch_op.drop_constraint(batch_op.f("fk_tag_bindings_workspace_id"), type_="foreignkey")
        batch_op.drop_column("tag_id")
        batch_op.drop_column("position")
        batch_op.drop_column("workspace_id")
        batch_op.alter_column("project_id", existing_type=sa.Text(), nullable=False)
    op.drop_index("ix_workspaces_organization_id_latest_change", table_name="workspaces")
    for column in reversed(settings()):
        op.drop_column("workspaces", column.name)
