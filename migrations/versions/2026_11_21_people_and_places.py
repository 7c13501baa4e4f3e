"""People and places: environments, members, access lists, invitations, repository links, images, tokens of projects.

Revision ID: e89af55c8bc2
Revises: d94c1e7a60b3
Created: 2026-11-21 15:19:29.440228+00:00
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "e89af55c8bc2"
down_revision = "d94c1e7a60b3"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
# The copy on SQLite needs no look at the tables it refers to.
ALONE = {"resolve_fks": False}
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

KIND = "ck_authentication_tokens_kind"
ONE_TOKEN = "uq_authentication_tokens_organization_id"  # noqa: S105 - an index
OLD_KINDS = (
    "kind = 'user' AND user_id IS NOT NULL AND organization_id IS NULL AND team_id IS NULL"
    " OR kind = 'organization' AND organization_id IS NOT NULL AND user_id IS NULL AND team_id IS NULL"
    " OR kind = 'team' AND organization_id IS NOT NULL AND user_id IS NULL AND team_id IS NOT NULL"
)
KINDS = f"{OLD_KINDS} OR kind = 'project' AND organization_id IS NOT NULL AND user_id IS NULL AND team_id IS NULL"
PROJECT = (
    "kind = 'project' AND project_id IS NOT NULL AND role IN ('viewer', 'member', 'admin', 'owner')"
    " OR kind != 'project' AND project_id IS NULL AND role IS NULL"
)

# Indexes over expressions, which a copy on SQLite loses.
EXPRESSIONS: Mapping[str, Mapping[str, dict[str, Any]]] = {
    "users": {
        "uq_users_email": {"columns": [sa.text("lower(email)")], "unique": True},
        "uq_users_username": {"columns": [sa.text("lower(username)")], "unique": True},
    },
    "projects": {
        "uq_projects_organization_id_name": {
            "columns": ["organization_id", sa.text("lower(name)")],
            "unique": True,
            "postgresql_include": ["id", "name"],
        },
    },
    "workspaces": {
        "ix_workspaces_project_id_name": {"columns": ["project_id", sa.text("lower(name)")]},
        "uq_workspaces_organization_id_name": {
            "columns": ["organization_id", sa.text("lower(name)")],
            "unique": True,
            "postgresql_include": ["id", "name"],
        },
        "ix_workspaces_organization_id_latest_change": {
            "columns": ["organization_id", sa.text("coalesce(state_changed_at, created_at)"), sa.text("lower(name)")],
        },
    },
}


@contextmanager
def copied(table: str) -> Iterator[Any]:
    """Change a table by a copy where there is no other way; its indexes over expressions are made anew."""
    indexes = EXPRESSIONS[table]
    for name in indexes:
        op.drop_index(name, table_name=table)
    with op.batch_alter_table(table, reflect_kwargs=ALONE) as batch_op:
        yield batch_op
    for name, options in indexes.items():
        given = dict(options)
        op.create_index(name, table, given.pop("columns"), **given)


def upgrade() -> None:
    """Apply the change."""
    events()
    projects()
    environments()
    give_default_environments()
    workspaces()
    project_members()
    workspace_acl_entries()
    invitations()
    repository_links()
    images()
    tokens()
    with copied("users") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_users_site_role"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_users_site_role"), "site_role IN ('user', 'admin', 'super_user')"
        )
    # Somebody must be able to give the new role.
    op.execute("UPDATE users SET site_role = 'super_user' WHERE site_role = 'admin'")


def events() -> None:
    op.add_column("activity_events", sa.Column("token_kind", sa.Text(), nullable=True))
    op.add_column("activity_events", sa.Column("environment_id", sa.Text(), nullable=True))
    op.add_column("activity_events", sa.Column("cell", NAME, nullable=True))
    op.add_column(
        "activity_events", sa.Column("is_about_access", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.execute(
        "UPDATE activity_events SET is_about_access = true"
        " WHERE subject_type IN ('team-projects', 'team-workspaces', 'authentication-tokens')"
    )
    for place in ("project_id", "workspace_id"):
        op.create_index(f"ix_activity_events_{place}_created_at", "activity_events", [place, "created_at", "id"])


def projects() -> None:
    op.add_column("projects", sa.Column("slug", NAME, nullable=True))
    op.add_column("projects", sa.Column("public_read", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("projects", sa.Column("metadata", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("projects", sa.Column("cloud_provider_id", sa.Text(), nullable=True))
    op.add_column("projects", sa.Column("display_name", sa.Text(), nullable=True))
    op.add_column("projects", sa.Column("color", sa.Text(), nullable=True))
    op.add_column("projects", sa.Column("single_server_mode", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("projects", sa.Column("default_server_id", sa.Text(), nullable=True))
    op.add_column(
        "projects", sa.Column("auto_error_tracking_enabled", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    give_slugs()
    with copied("projects") as batch_op:
        batch_op.alter_column("slug", existing_type=NAME, nullable=False)
    op.create_index("uq_projects_organization_id_slug", "projects", ["organization_id", "slug"], unique=True)


def give_slugs() -> None:
    table = sa.table("projects", sa.column("id"), sa.column("organization_id"), sa.column("name"), sa.column("slug"))
    connection = op.get_bind()
    taken: set[tuple[str, str]] = set()
    rows = connection.execute(sa.select(table.c.id, table.c.organization_id, table.c.name).order_by(table.c.id)).all()
    for row in rows:
        wanted = re.sub(r"[^a-z0-9]+", "-", row.name.lower())[:63].strip("-") or "project"
        slug, number = wanted, 1
        while (row.organization_id, slug) in taken:
            number += 1
            slug = f"{wanted[:55]}-{number}"
        taken.add((row.organization_id, slug))
        connection.execute(sa.update(table).where(table.c.id == row.id).values(slug=slug))


def give_default_environments() -> None:
    table = sa.table(
        "environments",
        *(sa.column(name) for name in ("id", "organization_id", "project_id", "name")),
        sa.column("is_default", sa.Boolean()),
        sa.column("created_at", sa.DateTime(timezone=True)),
        sa.column("updated_at", sa.DateTime(timezone=True)),
    )
    moment = datetime.now(UTC)
    rows = [
        {
            "id": "env-" + "".join(secrets.choice(ALPHABET) for _ in range(16)),
            "organization_id": project.organization_id,
            "project_id": project.id,
            "name": "default",
            "is_default": True,
            "created_at": moment,
            "updated_at": moment,
        }
        for project in op.get_bind().execute(sa.text("SELECT id, organization_id FROM projects"))
    ]
    if rows:
        op.bulk_insert(table, rows)


def workspaces() -> None:
    op.add_column("workspaces", sa.Column("environment_id", sa.Text(), nullable=True))
    op.add_column("workspaces", sa.Column("cell", NAME, nullable=True))
    op.add_column("workspaces", sa.Column("title", sa.Text(), nullable=True))
    op.add_column("workspaces", sa.Column("avatar_url", sa.Text(), nullable=True))
    op.add_column("workspaces", sa.Column("iac_tool", sa.Text(), server_default="terraform", nullable=False))
    op.execute(
        "UPDATE workspaces SET environment_id ="
        " (SELECT environments.id FROM environments WHERE environments.project_id = workspaces.project_id)"
    )
    with copied("workspaces") as batch_op:
        batch_op.alter_column("environment_id", existing_type=sa.Text(), nullable=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_workspaces_project_id_environment_id"),
            "environments",
            ["project_id", "environment_id"],
            ["project_id", "id"],
        )
        batch_op.create_check_constraint(batch_op.f("ck_workspaces_iac_tool"), "iac_tool IN ('terraform', 'opentofu')")
    op.create_index(
        "ix_workspaces_environment_id_name", "workspaces", ["environment_id", sa.literal_column("lower(name)")]
    )


def tokens() -> None:
    op.drop_index(ONE_TOKEN, table_name="authentication_tokens")
    with op.batch_alter_table("authentication_tokens", reflect_kwargs=ALONE) as batch_op:
        batch_op.drop_constraint(batch_op.f(KIND), type_="check")
        batch_op.add_column(sa.Column("project_id", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("role", sa.Text(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_authentication_tokens_project_id"), "projects", ["project_id"], ["id"], ondelete="CASCADE"
        )
        batch_op.create_check_constraint(batch_op.f(KIND), KINDS)
        batch_op.create_check_constraint(batch_op.f("ck_authentication_tokens_project"), PROJECT)
    op.create_index(
        "ix_authentication_tokens_project_id_created_at", "authentication_tokens", ["project_id", "created_at"]
    )
    one_token_where("team_id IS NULL AND project_id IS NULL")


def one_token_where(condition: str) -> None:
    where = sa.text(condition)
    op.create_index(
        ONE_TOKEN,
        "authentication_tokens",
        ["organization_id"],
        unique=True,
        sqlite_where=where,
        postgresql_where=where,
    )


def environments() -> None:
    op.create_table(
        "environments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("color", sa.Text(), nullable=True),
        sa.Column("git_branch", sa.Text(), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_environments_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_environments_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_environments")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_environments_project_id_id")),
    )
    with op.batch_alter_table("environments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_environments_organization_id"), ["organization_id"], unique=False)
        batch_op.create_index(
            "uq_environments_default",
            ["project_id"],
            unique=True,
            sqlite_where=sa.text("is_default = 1"),
            postgresql_where=sa.text("is_default"),
        )
        batch_op.create_index(
            "uq_environments_project_id_name", ["project_id", sa.literal_column("lower(name)")], unique=True
        )


def repository_links() -> None:
    op.create_table(
        "repository_links",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("default_branch", sa.Text(), nullable=True),
        sa.Column("directory", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_repository_links_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_repository_links_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repository_links")),
    )
    with op.batch_alter_table("repository_links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_repository_links_organization_id"), ["organization_id"], unique=False)
        batch_op.create_index(
            "uq_repository_links_project_id_url", ["project_id", sa.literal_column("lower(url)")], unique=True
        )


def project_members() -> None:
    op.create_table(
        "project_members",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("membership_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("environment_id", sa.Text(), nullable=True),
        sa.Column("cells", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role != 'owner' OR environment_id IS NULL AND cells IS NULL", name=op.f("ck_project_members_owner")
        ),
        sa.CheckConstraint("role IN ('viewer', 'member', 'admin', 'owner')", name=op.f("ck_project_members_role")),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name=op.f("fk_project_members_environment_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["membership_id"],
            ["organization_memberships.id"],
            name=op.f("fk_project_members_membership_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_project_members_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_project_members_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_members")),
        sa.UniqueConstraint("membership_id", "project_id", name=op.f("uq_project_members_membership_id_project_id")),
    )
    with op.batch_alter_table("project_members", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_project_members_environment_id"), ["environment_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_project_members_organization_id"), ["organization_id"], unique=False)
        batch_op.create_index("ix_project_members_project_id_created_at", ["project_id", "created_at"], unique=False)


def images() -> None:
    op.create_table(
        "images",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=True),
        sa.Column("workspace_id", sa.Text(), nullable=True),
        sa.Column("image_object", sa.Text(), nullable=False),
        sa.Column("image_key", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "project_id IS NOT NULL AND workspace_id IS NULL OR project_id IS NULL AND workspace_id IS NOT NULL",
            name=op.f("ck_images_place"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_images_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_images_project_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_images_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
        sa.UniqueConstraint("project_id", name=op.f("uq_images_project_id")),
        sa.UniqueConstraint("workspace_id", name=op.f("uq_images_workspace_id")),
    )
    with op.batch_alter_table("images", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_images_organization_id"), ["organization_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_images_image_object"), ["image_object"], unique=True)


def invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=True),
        sa.Column("workspace_id", sa.Text(), nullable=True),
        sa.Column("email", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("environment_id", sa.Text(), nullable=True),
        sa.Column("cells", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("invited_by_id", sa.Text(), nullable=True),
        sa.Column("accepted_by_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "project_id IS NOT NULL AND workspace_id IS NULL AND role IN ('viewer', 'member', 'admin', 'owner') OR project_id IS NULL AND workspace_id IS NOT NULL AND role IN ('user', 'developer', 'admin', 'owner')",
            name=op.f("ck_invitations_place"),
        ),
        sa.CheckConstraint("status IN ('pending', 'accepted', 'canceled')", name=op.f("ck_invitations_status")),
        sa.ForeignKeyConstraint(
            ["accepted_by_id"], ["users.id"], name=op.f("fk_invitations_accepted_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["invited_by_id"], ["users.id"], name=op.f("fk_invitations_invited_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_invitations_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_invitations_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_invitations_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
    )
    with op.batch_alter_table("invitations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invitations_accepted_by_id"), ["accepted_by_id"], unique=False)
        batch_op.create_index("ix_invitations_email", [sa.literal_column("lower(email)")], unique=False)
        batch_op.create_index(batch_op.f("ix_invitations_invited_by_id"), ["invited_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_invitations_organization_id"), ["organization_id"], unique=False)
        batch_op.create_index("ix_invitations_project_id_created_at", ["project_id", "created_at"], unique=False)
        batch_op.create_index("ix_invitations_workspace_id_created_at", ["workspace_id", "created_at"], unique=False)
        batch_op.create_index(
            "uq_invitations_project_id_email",
            ["project_id", sa.literal_column("lower(email)")],
            unique=True,
            sqlite_where=sa.text("status = 'pending'"),
            postgresql_where=sa.text("status = 'pending'"),
        )
        batch_op.create_index(
            "uq_invitations_workspace_id_email",
            ["workspace_id", sa.literal_column("lower(email)")],
            unique=True,
            sqlite_where=sa.text("status = 'pending'"),
            postgresql_where=sa.text("status = 'pending'"),
        )


def workspace_acl_entries() -> None:
    op.create_table(
        "workspace_acl_entries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("membership_id", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "level IN ('user', 'developer', 'admin', 'owner')", name=op.f("ck_workspace_acl_entries_level")
        ),
        sa.ForeignKeyConstraint(
            ["membership_id"],
            ["organization_memberships.id"],
            name=op.f("fk_workspace_acl_entries_membership_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_workspace_acl_entries_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_workspace_acl_entries_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspace_acl_entries")),
        sa.UniqueConstraint(
            "membership_id", "workspace_id", name=op.f("uq_workspace_acl_entries_membership_id_workspace_id")
        ),
    )
    with op.batch_alter_table("workspace_acl_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_workspace_acl_entries_organization_id"), ["organization_id"], unique=False)
        batch_op.create_index(
            "ix_workspace_acl_entries_workspace_id_created_at", ["workspace_id", "created_at"], unique=False
        )


def downgrade() -> None:
    """Take the change back."""
    op.execute("UPDATE users SET site_role = 'admin' WHERE site_role = 'super_user'")
    with copied("users") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_users_site_role"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_users_site_role"), "site_role IN ('user', 'admin')")
    # The tokens of projects have no place in the older table.
    op.execute("DELETE FROM authentication_tokens WHERE kind = 'project'")
    op.drop_index("ix_authentication_tokens_project_id_created_at", table_name="authentication_tokens")
    op.drop_index(ONE_TOKEN, table_name="authentication_tokens")
    with op.batch_alter_table("authentication_tokens", reflect_kwargs=ALONE) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_authentication_tokens_project"), type_="check")
        batch_op.drop_constraint(batch_op.f(KIND), type_="check")
        batch_op.drop_constraint(batch_op.f("fk_authentication_tokens_project_id"), type_="foreignkey")
        batch_op.drop_column("role")
        batch_op.drop_column("project_id")
        batch_op.create_check_constraint(batch_op.f(KIND), OLD_KINDS)
    one_token_where("team_id IS NULL")
    for table in ("images", "repository_links", "invitations", "workspace_acl_entries", "project_members"):
        op.drop_table(table)
    op.drop_index("ix_workspaces_environment_id_name", table_name="workspaces")
    with copied("workspaces") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_workspaces_iac_tool"), type_="check")
        batch_op.drop_constraint(batch_op.f("fk_workspaces_project_id_environment_id"), type_="foreignkey")
        for column in ("iac_tool", "avatar_url", "title", "cell", "environment_id"):
            batch_op.drop_column(column)
    op.drop_table("environments")
    op.drop_index("uq_projects_organization_id_slug", table_name="projects")
    for column in (
        "auto_error_tracking_enabled",
        "default_server_id",
        "single_server_mode",
        "color",
        "display_name",
        "cloud_provider_id",
        "metadata",
        "public_read",
        "slug",
    ):
        op.drop_column("projects", column)
    for place in ("workspace_id", "project_id"):
        op.drop_index(f"ix_activity_events_{place}_created_at", table_name="activity_events")
    for column in ("is_about_access", "cell", "environment_id", "token_kind"):
        op.drop_column("activity_events", column)
