"""policies on plans.

Revision ID: 9c2e51b7f0a4
Revises: 5e1d3a9c7b40
Created: 2026-11-30 17:10:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "9c2e51b7f0a4"
down_revision = "5e1d3a9c7b40"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "policies",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("enforcement_level", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "enforcement_level IN ('advisory', 'mandatory')", name=op.f("ck_policies_enforcement_level")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_policies_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policies")),
    )
    op.create_index(
        "uq_policies_organization_id_name",
        "policies",
        ["organization_id", sa.literal_column("lower(name)")],
        unique=True,
    )
    op.create_table(
        "policy_sets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("is_global", sa.Boolean(), nullable=False),
        sa.Column("overridable", sa.Boolean(), nullable=False),
        sa.Column("policy_tool_version", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_policy_sets_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_sets")),
    )
    op.create_index(
        "uq_policy_sets_organization_id_name",
        "policy_sets",
        ["organization_id", sa.literal_column("lower(name)")],
        unique=True,
    )
    op.create_table(
        "policy_set_policies",
        sa.Column("policy_set_id", sa.Text(), nullable=False),
        sa.Column("policy_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["policy_id"], ["policies.id"], name=op.f("fk_policy_set_policies_policy_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["policy_set_id"], ["policy_sets.id"], name=op.f("fk_policy_set_policies_policy_set_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("policy_set_id", "policy_id", name=op.f("pk_policy_set_policies")),
    )
    op.create_index(op.f("ix_policy_set_policies_policy_id"), "policy_set_policies", ["policy_id"], unique=False)
    op.create_table(
        "policy_set_workspaces",
        sa.Column("policy_set_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["policy_set_id"],
            ["policy_sets.id"],
            name=op.f("fk_policy_set_workspaces_policy_set_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_policy_set_workspaces_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("policy_set_id", "workspace_id", name=op.f("pk_policy_set_workspaces")),
    )
    op.create_index(
        op.f("ix_policy_set_workspaces_workspace_id"), "policy_set_workspaces", ["workspace_id"], unique=False
    )
    op.create_table(
        "policy_set_projects",
        sa.Column("policy_set_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["policy_set_id"], ["policy_sets.id"], name=op.f("fk_policy_set_projects_policy_set_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_policy_set_projects_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("policy_set_id", "project_id", name=op.f("pk_policy_set_projects")),
    )
    op.create_index(op.f("ix_policy_set_projects_project_id"), "policy_set_projects", ["project_id"], unique=False)
    op.create_table(
        "policy_set_workspace_exclusions",
        sa.Column("policy_set_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["policy_set_id"],
            ["policy_sets.id"],
            name=op.f("fk_policy_set_workspace_exclusions_policy_set_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_policy_set_workspace_exclusions_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("policy_set_id", "workspace_id", name=op.f("pk_policy_set_workspace_exclusions")),
    )
    op.create_index(
        op.f("ix_policy_set_workspace_exclusions_workspace_id"),
        "policy_set_workspace_exclusions",
        ["workspace_id"],
        unique=False,
    )
    op.create_table(
        "policy_set_project_exclusions",
        sa.Column("policy_set_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["policy_set_id"],
            ["policy_sets.id"],
            name=op.f("fk_policy_set_project_exclusions_policy_set_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_policy_set_project_exclusions_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("policy_set_id", "project_id", name=op.f("pk_policy_set_project_exclusions")),
    )
    op.create_index(
        op.f("ix_policy_set_project_exclusions_project_id"),
        "policy_set_project_exclusions",
        ["project_id"],
        unique=False,
    )
    op.create_table(
        "policy_set_parameters",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("policy_set_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("sealed_value", sa.Text(), nullable=True),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_policy_set_parameters_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["policy_set_id"],
            ["policy_sets.id"],
            name=op.f("fk_policy_set_parameters_policy_set_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_set_parameters")),
    )
    op.create_index(
        op.f("ix_policy_set_parameters_organization_id"), "policy_set_parameters", ["organization_id"], unique=False
    )
    op.create_index(
        "uq_policy_set_parameters_policy_set_id_key", "policy_set_parameters", ["policy_set_id", "key"], unique=True
    )
    op.create_table(
        "policy_set_outcomes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("policy_evaluation_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("policy_set_name", sa.Text(), nullable=False),
        sa.Column("policy_set_description", sa.Text(), nullable=True),
        sa.Column("overridable", sa.Boolean(), nullable=False),
        sa.Column("policy_tool_version", sa.Text(), nullable=True),
        sa.Column("outcomes", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.Column("advisory_failed", sa.Integer(), nullable=False),
        sa.Column("mandatory_failed", sa.Integer(), nullable=False),
        sa.Column("errored", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_policy_set_outcomes_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["policy_evaluation_id"],
            ["policy_evaluations.id"],
            name=op.f("fk_policy_set_outcomes_policy_evaluation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_policy_set_outcomes_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_set_outcomes")),
    )
    op.create_index(
        op.f("ix_policy_set_outcomes_organization_id"), "policy_set_outcomes", ["organization_id"], unique=False
    )
    op.create_index(op.f("ix_policy_set_outcomes_workspace_id"), "policy_set_outcomes", ["workspace_id"], unique=False)
    op.create_index(
        "uq_policy_set_outcomes_policy_evaluation_id_position",
        "policy_set_outcomes",
        ["policy_evaluation_id", "position"],
        unique=True,
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("policy_set_outcomes")
    op.drop_table("policy_set_parameters")
    op.drop_table("policy_set_project_exclusions")
    op.drop_table("policy_set_workspace_exclusions")
    op.drop_table("policy_set_projects")
    op.drop_table("policy_set_workspaces")
    op.drop_table("policy_set_policies")
    op.drop_table("policy_sets")
    op.drop_table("policies")
