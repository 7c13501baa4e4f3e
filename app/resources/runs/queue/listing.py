"""Reading the queue of an organization."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, func, literal, select
from sqlalchemy.orm import Session

from app.models.runs import PENDING, QUEUED, WORKING, Run
from app.persistence import in_values, values_param
from app.resources.runs.queue.schema import QueuedRunSchema
from app.resources.runs.runs.listing import RUNS
from app.web.listing import Listing
from app.web.related_ids import completed_row

WAITING: Final = (PENDING, *sorted(QUEUED))
ACTIVE: Final = (*WAITING, *sorted(WORKING))
_RUN: Final = Run.__table__

_NUMBERED: Final = (
    select(_RUN.c.id, func.row_number().over(order_by=(_RUN.c.created_at, _RUN.c.id)).label("position"))
    .where(_RUN.c.organization_id == bindparam("organization_id"), _RUN.c.status.in_(WAITING))
    .subquery("numbered")
)
_POSITIONS: Final = select(_NUMBERED).where(in_values(_NUMBERED.c.id, values_param("identifiers")))


def number(listing: Listing, rows: Sequence[Row[Any]], source: Connection | Session) -> list[Any]:
    """Put their positions into the rows of a page, by one statement: those that the caller can't see count, too."""
    if not rows:
        return []
    values = {"organization_id": rows[0].organization_id, "identifiers": [row.id for row in rows]}
    positions = {row.id: row.position for row in source.execute(_POSITIONS, values)}
    row_type = completed_row(*listing.names)
    return [row_type(*row[: len(listing.names)])._replace(position_in_queue=positions.get(row.id, 0)) for row in rows]


QUEUE: Final[Listing] = replace(
    RUNS,
    schema=QueuedRunSchema,
    columns={
        **RUNS.columns,
        # Completed below; 0 stays for a run that an agent works on.
        "position_in_queue": literal(0),
    },
    order=(Run.created_at, _RUN.c.id),
    newest_first=False,
    complete=number,
    filters=(),
)
