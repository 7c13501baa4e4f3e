"""Reading the record of activity."""

from collections import namedtuple
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from sqlalchemy import Connection, Row
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.models.activity_events import ActivityEvent
from app.models.organizations import Organization
from app.resources.activity.activity_events.filters import FILTERS
from app.resources.activity.activity_events.redaction import redact
from app.resources.activity.activity_events.schema import ActivityEventSchema
from app.web.listing import Listing, ResourceObject

_PLAIN: Final = (
    "id",
    "organization_id",
    "project_id",
    "workspace_id",
    "environment_id",
    "cell",
    "action",
    "actor_type",
    "actor_id",
    "actor_name",
    "token_kind",
    "subject_type",
    "subject_id",
    "subject_name",
    "changes",
    "created_at",
    "request_id",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class EventListing(Listing):
    """Events, without the ids of places that the caller can't see."""

    def show(self, conditions: Mapping[str, Any], source: Connection | Session | None = None) -> ResourceObject:
        """The resource object of ``one``."""
        return self.shown(self._told([self.one(conditions, source)])[0])

    def _completed(self, rows: Sequence[Row[Any]]) -> list[Any]:
        return self._told(rows)

    def _told(self, rows: Sequence[Row[Any]]) -> list[Any]:
        return redact([self._row_type(*row[: len(self.names)]) for row in rows])

    @cached_property
    def _row_type(self) -> Any:  # noqa: ANN401 - a class made from the columns
        return namedtuple("Event", self.names)  # noqa: PYI024 - the names are known only here


EVENTS: Final = EventListing(
    schema=ActivityEventSchema,
    model=ActivityEvent,
    visible_by=P.ACTIVITY_READ,
    columns={**{name: getattr(ActivityEvent, name) for name in _PLAIN}, "organization_name": Organization.name},
    joined=ActivityEvent.__table__.outerjoin(
        Organization.__table__,
        Organization.__table__.c.id == ActivityEvent.organization_id,
    ),
    order=(ActivityEvent.created_at, ActivityEvent.__table__.c.id),
    filters=FILTERS,
    newest_first=True,
)
