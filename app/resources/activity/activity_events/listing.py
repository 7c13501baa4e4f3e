"""Reading the record of activity."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row
from sqlalchemy.orm import Session

from app.models.activity_events import ActivityEvent
from app.models.organizations import Organization
from app.resources.activity.activity_events.filters import FILTERS
from app.resources.activity.activity_events.redaction import redact
from app.resources.activity.activity_events.schema import ActivityEventSchema
from app.web.listing import Listing, plain
from app.web.related_ids import completed_row


def _redacted(listing: Listing, rows: Sequence[Row[Any]], _source: Connection | Session) -> list[Any]:
    """The events without the ids of resources that the caller can't see."""
    row_type = completed_row(*listing.names)
    return redact([row_type(*row[: len(listing.names)]) for row in rows])


EVENTS: Final = Listing(
    schema=ActivityEventSchema,
    model=ActivityEvent,
    columns={
        **plain(
            ActivityEvent,
            "id organization_id project_id workspace_id environment_id cell action actor_type actor_id actor_name "
            "token_kind subject_type subject_id subject_name changes created_at request_id",
        ),
        "organization_name": Organization.name,
    },
    joined=ActivityEvent.__table__.outerjoin(
        Organization.__table__,
        Organization.__table__.c.id == ActivityEvent.organization_id,
    ),
    order=(ActivityEvent.position, ActivityEvent.__table__.c.id),
    filters=FILTERS,
    newest_first=True,
    complete=_redacted,
)
