"""Growing organizations: indexes with all that a list reads of the workspaces and tags that it does not show.

Revision ID: 4c7a90d2e6b8
Revises: 9b2f64d0e517
Created: 2026-11-30 18:27:31.402117+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "4c7a90d2e6b8"
down_revision = "9b2f64d0e517"
branch_labels = None
depends_on = None

NAME = "ix_workspaces_project_id_name"


def upgrade() -> None:
    """Apply the change."""
    op.drop_index(NAME, table_name="workspaces")
    op.create_index(
        NAME,
        "workspaces",
        ["project_id", sa.literal_column("lower(name)")],
        postgresql_include=["id", "name", "organization_id"],
    )
    op.create_index("ix_workspaces_project_id", "workspaces", ["project_id"])
    op.create_index(
        "ix_tag_bindings_organization_id_lower_key",
        "tag_bindings",
        ["organization_id", sa.literal_column("lower(key)"), "workspace_id", "project_id", "key"],
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_index("ix_tag_bindings_organization_id_lower_key", table_name="tag_bindings")
    op.drop_index("ix_workspaces_project_id", table_name="workspaces")
    op.drop_index(NAME, table_name="workspaces")
    op.create_index(NAME, "workspaces", ["project_id", sa.literal_column("lower(name)")])
