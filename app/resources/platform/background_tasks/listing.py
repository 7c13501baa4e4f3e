"""Reading background tasks."""

from typing import Final

from sqlalchemy import and_, case, func, select

from app.authz.permissions import P
from app.models.background_tasks import WAITING, BackgroundTask
from app.persistence import Base, database_now
from app.resources.platform.background_tasks.schema import SHOWN_STATUSES, BackgroundTaskSchema
from app.web.context import reader
from app.web.filters import OneOf
from app.web.listing import Listing, plain

_TASKS: Final = Base.metadata.tables[BackgroundTask.__tablename__]
_IS_RUNNING: Final = and_(_TASKS.c.status == WAITING, _TASKS.c.lease_until > database_now())
STATUS: Final = case((_IS_RUNNING, "running"), else_=_TASKS.c.status)

BACKGROUND_TASKS: Final = Listing(
    schema=BackgroundTaskSchema,
    model=BackgroundTask,
    visible_by=P.BACKGROUND_TASK_MANAGE,
    columns={
        **plain(
            BackgroundTask, "id kind key lane run_at attempts last_error lease_until owner every_seconds created_at"
        ),
        "status": STATUS,
    },
    joined=_TASKS,
    order=(BackgroundTask.run_at, BackgroundTask.id),
    sorts={"run-at": (BackgroundTask.run_at,), "created-at": (BackgroundTask.created_at,)},
    filters=(OneOf("filter[status]", STATUS), OneOf("filter[kind]", BackgroundTask.kind)),
)

_COUNTED: Final = select(STATUS.label("shown"), func.count().label("number")).group_by(STATUS)


def counts() -> dict[str, int]:
    """How many tasks there are with each status."""
    found = {row.shown: row.number for row in reader().execute(_COUNTED)}
    return {status: found.get(status, 0) for status in SHOWN_STATUSES}
