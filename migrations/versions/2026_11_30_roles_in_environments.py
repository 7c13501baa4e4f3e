"""a member has one role in each environment of a project.

Revision ID: 6fb0a2d93e17
Revises: 4d8e1c70a95b
Created: 2026-11-30 11:50:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "6fb0a2d93e17"
down_revision = "4d8e1c70a95b"
branch_labels = None
depends_on = None

TABLE = "project_members"
BEFORE = "uq_project_members_membership_id_project_id"
# The copy on SQLite needs no look at the tables it refers to.
ALONE = {"resolve_fks": False}
# The older table takes one role for each member and project: the strongest place, or else any one.
FURTHER = """
DELETE FROM project_members WHERE id NOT IN (
    SELECT coalesce(min(CASE WHEN environment_id IS NULL THEN id END), min(id))
    FROM project_members GROUP BY membership_id, project_id
)
"""


def upgrade() -> None:
    """Apply the change."""
    with op.batch_alter_table(TABLE, reflect_kwargs=ALONE) as batch_op:
        batch_op.drop_constraint(batch_op.f(BEFORE), type_="unique")
    op.create_index(
        "uq_project_members_place",
        TABLE,
        ["membership_id", "project_id", sa.text("coalesce(environment_id, '')")],
        unique=True,
    )


def downgrade() -> None:
    """Take the change back."""
    op.execute(FURTHER)
    op.drop_index("uq_project_members_place", table_name=TABLE)
    with op.batch_alter_table(TABLE, reflect_kwargs=ALONE) as batch_op:
        batch_op.create_unique_constraint(batch_op.f(BEFORE), ["membership_id", "project_id"])
