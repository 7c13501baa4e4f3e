"""Events are numbered by the database, so that no host's clock decides about their order.

Revision ID: 7d1e94a3c05b
Revises: 22dfa7db6e21
Created: 2026-12-01 04:10:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "7d1e94a3c05b"
down_revision = "22dfa7db6e21"
branch_labels = None
depends_on = None

NUMBER = """
UPDATE activity_events SET position = numbered.number
FROM (SELECT id, row_number() OVER (ORDER BY created_at, id) AS number FROM activity_events) AS numbered
WHERE numbered.id = activity_events.id
"""
# An event of a backup brings its number along.
TRIGGER = """
CREATE TRIGGER activity_events_position AFTER INSERT ON activity_events WHEN NEW.position IS NULL
BEGIN
    UPDATE activity_events SET position = (SELECT coalesce(max(position), 0) + 1 FROM activity_events)
    WHERE id = NEW.id;
END
"""
PLACES = ("organization", "project", "workspace")


def upgrade() -> None:
    """Apply the change."""
    op.add_column("activity_events", sa.Column("position", sa.BigInteger(), nullable=True))
    op.execute(NUMBER)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE activity_events_position OWNED BY activity_events.position")
        op.execute(
            "SELECT setval('activity_events_position', coalesce(max(position), 0) + 1, false) FROM activity_events"
        )
        op.execute("ALTER TABLE activity_events ALTER COLUMN position SET DEFAULT nextval('activity_events_position')")
    else:
        op.execute(TRIGGER)
    op.create_index("ix_activity_events_position", "activity_events", ["position"])
    for place in PLACES:
        op.create_index(f"ix_activity_events_{place}_id_position", "activity_events", [f"{place}_id", "position"])


def downgrade() -> None:
    """Take the change back."""
    for place in PLACES:
        op.drop_index(f"ix_activity_events_{place}_id_position", table_name="activity_events")
    op.drop_index("ix_activity_events_position", table_name="activity_events")
    if op.get_bind().dialect.name != "postgresql":
        op.execute("DROP TRIGGER activity_events_position")
    op.drop_column("activity_events", "position")
