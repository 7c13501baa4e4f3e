"""Reading the queue of an organization."""

from dataclasses import replace
from typing import Final

from sqlalchemy import case, func, literal, select

from app.models.runs import PENDING, QUEUED, WORKING, Run
from app.resources.runs.queue.schema import QueuedRunSchema
from app.resources.runs.runs.listing import RUNS
from app.web.listing import Listing

WAITING: Final = (PENDING, *sorted(QUEUED))
ACTIVE: Final = (*WAITING, *sorted(WORKING))
_RUN: Final = Run.__table__
_ahead: Final = _RUN.alias()

QUEUE: Final[Listing] = replace(
    RUNS,
    schema=QueuedRunSchema,
    columns={
        **RUNS.columns,
        "position_in_queue": case(
            (_RUN.c.status.in_(sorted(WORKING)), literal(0)),
            else_=select(func.count() + 1)
            .where(
                _ahead.c.organization_id == _RUN.c.organization_id,
                _ahead.c.status.in_(WAITING),
                (_ahead.c.created_at < _RUN.c.created_at)
                | ((_ahead.c.created_at == _RUN.c.created_at) & (_ahead.c.id < _RUN.c.id)),
            )
            .correlate(_RUN)
            .scalar_subquery(),
        ),
    },
    order=(Run.created_at, _RUN.c.id),
    filters=(),
)
