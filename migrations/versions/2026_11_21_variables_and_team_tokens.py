"""variables, variable sets, tokens of teams, passwords and invitations of users.

Revision ID: 7b52e8c1d04f
Revises: c41f7a90d2be
Created: 2026-11-21 13:40:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "7b52e8c1d04f"
down_revision = "c41f7a90d2be"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
# The copy on SQLite needs no look at the tables it refers to.
ALONE = {"resolve_fks": False}
KIND = "ck_authentication_tokens_kind"
ONE_TOKEN = "uq_authentication_tokens_organization_id"  # noqa: S105 - an index
OLD_KINDS = (
    "kind = 'user' AND user_id IS NOT NULL AND organization_id IS NULL"
    " OR kind = 'organization' AND organization_id IS NOT NULL AND user_id IS NULL"
)
KINDS = (
    "kind = 'user' AND user_id IS NOT NULL AND organization_id IS NULL AND team_id IS NULL"
    " OR kind = 'organization' AND organization_id IS NOT NULL AND user_id IS NULL AND team_id IS NULL"
    " OR kind = 'team' AND organization_id IS NOT NULL AND user_id IS NULL AND team_id IS NOT NULL"
)


def upgrade() -> None:
    """Apply the change."""
    varsets()
    variables()
    for table, other in (("varset_workspaces", "workspace"), ("varset_projects", "project")):
        applied(table, other)
    op.add_column("users", sa.Column("unconfirmed_email", NAME, nullable=True))
    op.add_column("users", sa.Column("password_hash", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("invited_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("authentication_tokens", reflect_kwargs=ALONE) as batch_op:
        batch_op.drop_index(ONE_TOKEN)
        batch_op.drop_constraint(batch_op.f(KIND), type_="check")
        batch_op.add_column(sa.Column("team_id", sa.Text(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_authentication_tokens_team_id"), "teams", ["team_id"], ["id"], ondelete="CASCADE"
        )
        batch_op.create_check_constraint(batch_op.f(KIND), KINDS)
    only_where(ONE_TOKEN, "organization_id", "team_id IS NULL")
    only_where("uq_authentication_tokens_team_id", "team_id", "description IS NULL")
    op.create_index(
        "uq_authentication_tokens_team_id_description", "authentication_tokens", ["team_id", "description"], unique=True
    )
    op.create_index("ix_authentication_tokens_organization_id", "authentication_tokens", ["organization_id"])


def varsets() -> None:
    """The sets."""
    op.create_table(
        "varsets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=True),
        sa.Column("name", NAME, nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("is_global", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("NOT is_global OR project_id IS NULL", name=op.f("ck_varsets_global")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_varsets_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_varsets_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_varsets")),
    )
    op.create_index("ix_varsets_organization_id_name", "varsets", ["organization_id", "name"])
    op.create_index("uq_varsets_project_id_name", "varsets", ["project_id", "name"], unique=True)
    op.create_index(
        "uq_varsets_organization_id_name",
        "varsets",
        ["organization_id", "name"],
        unique=True,
        sqlite_where=sa.text("project_id IS NULL"),
        postgresql_where=sa.text("project_id IS NULL"),
    )


def variables() -> None:
    """The variables, of workspaces and of sets."""
    places = {"organization_id": "organizations", "workspace_id": "workspaces", "varset_id": "varsets"}
    op.create_table(
        "vars",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=True),
        sa.Column("varset_id", sa.Text(), nullable=True),
        sa.Column("global_in", sa.Text(), nullable=True),
        sa.Column("key", NAME, nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("sealed_value", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("hcl", sa.Boolean(), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("category IN ('terraform', 'env')", name=op.f("ck_vars_category")),
        sa.CheckConstraint(
            "sensitive AND value IS NULL AND sealed_value IS NOT NULL"
            " OR NOT sensitive AND value IS NOT NULL AND sealed_value IS NULL",
            name=op.f("ck_vars_value"),
        ),
        sa.CheckConstraint(
            "workspace_id IS NOT NULL AND varset_id IS NULL OR workspace_id IS NULL AND varset_id IS NOT NULL",
            name=op.f("ck_vars_place"),
        ),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_vars_{column}"), ondelete="CASCADE")
            for column, table in places.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vars")),
        *(
            sa.UniqueConstraint(column, "key", "category", name=op.f(f"uq_vars_{column}_key_category"))
            for column in ("global_in", "varset_id", "workspace_id")
        ),
    )
    op.create_index(op.f("ix_vars_organization_id"), "vars", ["organization_id"])


def applied(table: str, other: str) -> None:
    """Where sets apply: to workspaces, to projects."""
    op.create_table(
        table,
        sa.Column("varset_id", sa.Text(), nullable=False),
        sa.Column(f"{other}_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["varset_id"], ["varsets.id"], name=op.f(f"fk_{table}_varset_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            [f"{other}_id"], [f"{other}s.id"], name=op.f(f"fk_{table}_{other}_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("varset_id", f"{other}_id", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_{other}_id"), table, [f"{other}_id"])


def only_where(name: str, column: str, condition: str) -> None:
    """A unique index over the tokens for which the condition holds."""
    where = sa.text(condition)
    op.create_index(name, "authentication_tokens", [column], unique=True, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Take the change back."""
    # The tokens of teams, and who was only invited by an address, have no place in the older tables.
    op.execute("DELETE FROM authentication_tokens WHERE kind = 'team'")
    op.execute(
        "DELETE FROM organization_memberships WHERE user_id IN (SELECT id FROM users WHERE invited_at IS NOT NULL)"
    )
    op.execute("DELETE FROM users WHERE invited_at IS NOT NULL")
    op.drop_index("ix_authentication_tokens_organization_id", table_name="authentication_tokens")
    op.drop_index("uq_authentication_tokens_team_id_description", table_name="authentication_tokens")
    op.drop_index("uq_authentication_tokens_team_id", table_name="authentication_tokens")
    op.drop_index(ONE_TOKEN, table_name="authentication_tokens")
    with op.batch_alter_table("authentication_tokens", reflect_kwargs=ALONE) as batch_op:
        batch_op.drop_constraint(batch_op.f(KIND), type_="check")
        batch_op.drop_constraint(batch_op.f("fk_authentication_tokens_team_id"), type_="foreignkey")
        batch_op.drop_column("team_id")
        batch_op.create_check_constraint(batch_op.f(KIND), OLD_KINDS)
    op.create_index(ONE_TOKEN, "authentication_tokens", ["organization_id"], unique=True)
    for column in ("invited_at", "password_hash", "unconfirmed_email"):
        op.drop_column("users", column)
    for table in ("varset_projects", "varset_workspaces", "vars", "varsets"):
        op.drop_table(table)
