"""Taking tasks, keeping them, giving them back and ending them: each by one statement, by the clock of the database."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Float, Integer, and_, bindparam, case, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from app.models.background_tasks import DEAD, WAITING, BackgroundTask, DueTask
from app.persistence import Base, Expression, database_now, in_values, upsert, values_param
from app.worker.handling import Handler

_TASKS: Final = Base.metadata.tables[BackgroundTask.__tablename__]
_EARLIER: Final = _TASKS.alias("earlier")


class LeaseLostError(Exception):
    """Another worker has the task now, or nobody wants it done any more."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A task that this worker has taken, by which lease, and in which version."""

    task: DueTask
    owner: str
    revision: int
    every_seconds: int | None


_IS_NEXT_OF_LANE: Final = ~exists().where(
    _EARLIER.c.lane == _TASKS.c.lane,
    _EARLIER.c.status == WAITING,
    or_(
        _EARLIER.c.position < _TASKS.c.position,
        and_(_EARLIER.c.position == _TASKS.c.position, _EARLIER.c.id < _TASKS.c.id),
    ),
)
# Built once: ten thousand tasks would build them ten thousand times.
_IS_DUE: Final = and_(
    _TASKS.c.status == WAITING,
    _TASKS.c.run_at <= database_now(),
    or_(_TASKS.c.lease_until.is_(None), _TASKS.c.lease_until < database_now()),
    _IS_NEXT_OF_LANE,
    in_values(_TASKS.c.kind, values_param("kinds")),
)
_ANY_DUE: Final = select(_TASKS.c.id).where(_IS_DUE).limit(1)
_DUE: Final = (
    select(_TASKS.c.id)
    .where(_IS_DUE)
    .order_by(_TASKS.c.run_at)
    .limit(bindparam("room", type_=Integer()))
    .with_for_update(of=_TASKS, skip_locked=True)
    .cte("due")
)
_CLAIM: Final = (
    update(_TASKS)
    .where(_TASKS.c.id.in_(select(_DUE.c.id)))
    .values(
        lease_until=database_now(bindparam("lease_seconds", type_=Float())),
        owner=bindparam("new_owner"),
        attempts=_TASKS.c.attempts + 1,
    )
    .returning(*_TASKS.c)
)
_IS_OURS: Final = and_(
    _TASKS.c.id == bindparam("task_id"),
    _TASKS.c.owner == bindparam("task_owner"),
    _TASKS.c.attempts == bindparam("task_attempt"),
)
_IS_UNCHANGED: Final = _TASKS.c.revision == bindparam("task_revision")
_REMOVE: Final = delete(_TASKS).where(_IS_OURS, _IS_UNCHANGED)


def is_anything_due(connection: Connection, kinds: Collection[str]) -> bool:
    """Whether there is something to take: asked first, because it locks nothing."""
    return connection.execute(_ANY_DUE, {"kinds": kinds}).first() is not None


def claim(
    connection: Connection, handlers: Mapping[str, Handler], owner: str, count: int, lease_seconds: float
) -> list[Claim]:
    """Take up to so many of the tasks that are due, those that wait longest first."""
    values = {"kinds": handlers, "room": count, "lease_seconds": lease_seconds, "new_owner": owner}
    taken = connection.execute(_CLAIM, values).all()
    return [_as_claim(row, handlers[row.kind]) for row in sorted(taken, key=lambda row: row.run_at)]


def _as_claim(row: Any, handler: Handler) -> Claim:  # noqa: ANN401 - a row of the table
    task = DueTask(
        id=row.id,
        kind=row.kind,
        key=row.key,
        lane=row.lane,
        payload=row.payload,
        attempt=row.attempts,
        is_last=row.every_seconds is None and row.attempts >= handler.attempts,
    )
    return Claim(task, row.owner, row.revision, row.every_seconds)


def renew(connection: Connection, owner: str, ids: Collection[str], lease_seconds: float) -> None:
    """Keep the tasks for longer."""
    ours = and_(in_values(_TASKS.c.id, ids), _TASKS.c.owner == owner)
    connection.execute(update(_TASKS).where(ours).values(lease_until=database_now(lease_seconds)))


def release(connection: Connection, owner: str, ids: Collection[str]) -> None:
    """Give tasks back that were not begun."""
    ours = and_(in_values(_TASKS.c.id, ids), _TASKS.c.owner == owner)
    given_back = {"lease_until": None, "owner": None, "attempts": _TASKS.c.attempts - 1}
    connection.execute(update(_TASKS).where(ours).values(given_back))


def remove(session: Session, claimed: Claim) -> None:
    """Note that the task is done: it is gone, or due again if it is periodic or was scheduled again meanwhile.

    Call it at the end of the transaction, which must be rolled back if the lease was lost: whoever schedules a task has
    locked other rows before.
    """
    connection, ours = session.connection(), _names(claimed)
    if claimed.every_seconds is None and connection.execute(_REMOVE, ours).rowcount:
        return
    next_run: Expression = _TASKS.c.run_at
    if claimed.every_seconds is not None:
        next_run = case((_IS_UNCHANGED, database_now(claimed.every_seconds)), else_=_TASKS.c.run_at)
    free: dict[str, Any] = {"lease_until": None, "owner": None, "attempts": 0, "last_error": None, "run_at": next_run}
    if not connection.execute(update(_TASKS).where(_IS_OURS).values(free), ours).rowcount:
        raise LeaseLostError


def put_off(connection: Connection, claimed: Claim, error: str, seconds: float | None) -> bool:
    """Note that the attempt failed: the task is due again after so long, or dead (None).

    Returns False if another worker has it. A task that was scheduled again meanwhile begins anew, at the time it got.
    """
    free: dict[str, Any] = {"lease_until": None, "owner": None, "last_error": error}
    if seconds is None:
        free |= {
            "status": case((_IS_UNCHANGED, DEAD), else_=WAITING),
            "attempts": case((_IS_UNCHANGED, _TASKS.c.attempts), else_=0),
        }
    else:
        free["run_at"] = case((_IS_UNCHANGED, database_now(seconds)), else_=_TASKS.c.run_at)
    return connection.execute(update(_TASKS).where(_IS_OURS).values(free), _names(claimed)).rowcount > 0


def _names(claimed: Claim) -> dict[str, Any]:
    task = claimed.task
    return {
        "task_id": task.id,
        "task_owner": claimed.owner,
        "task_attempt": task.attempt,
        "task_revision": claimed.revision,
    }


def ensure_periodic(connection: Connection, periods: Mapping[str, int]) -> None:
    """Have these kinds done again and again, each so many seconds after it was done."""
    for kind, seconds in periods.items():
        new = upsert(_TASKS).values(
            kind=kind, key=f"periodic:{kind}", payload={}, run_at=database_now(), every_seconds=seconds
        )
        # A row that is there keeps its time, so that workers which start again and again don't do it each time.
        again = new.on_conflict_do_update(
            index_elements=[_TASKS.c.key],
            set_={"every_seconds": seconds},
            where=or_(_TASKS.c.every_seconds.is_(None), _TASKS.c.every_seconds != seconds),
        )
        connection.execute(again)
