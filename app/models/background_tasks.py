"""Background tasks: what must be done later, whatever happens to the process that wants it done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import CheckConstraint, Index, case, delete, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.authz.permissions import P
from app.doorbells import WORK, want_ring
from app.persistence import Base, Expression, Timestamp, database_now, identifier, now, upsert

WAITING, DEAD = "waiting", "dead"
STATUSES: Final = (WAITING, DEAD)
DELIVER_ANALYTICS: Final = "deliver-analytics"
"""The kind of task that tells an outside service what happened."""


class BackgroundTask(Base):
    """Something to be done at a time, by any worker. Its row is deleted when it is done, unless it is periodic.

    ``key`` names what is to be done, so that it is not scheduled twice. Tasks of one ``lane`` are done one after the
    other, by ``position``; a dead one does not keep the others waiting. A worker that has taken the task holds a lease,
    and is its ``owner`` until the lease ends; ``attempts`` is how often it was taken. ``revision`` counts how often the
    task was scheduled again, so that it is done again if that happens while it is being done. A task that has failed
    too often is ``dead`` until somebody has it tried again.
    """

    __tablename__ = "background_tasks"
    visible_by: ClassVar[P] = P.BACKGROUND_TASK_MANAGE

    id: Mapped[str] = mapped_column(primary_key=True, default=identifier("work"))
    kind: Mapped[str] = mapped_column()
    key: Mapped[str | None] = mapped_column()
    lane: Mapped[str | None] = mapped_column()
    position: Mapped[int] = mapped_column(default=0)
    payload: Mapped[dict[str, Any]] = mapped_column()
    status: Mapped[str] = mapped_column(default=WAITING)
    run_at: Mapped[datetime] = mapped_column(Timestamp)
    attempts: Mapped[int] = mapped_column(default=0)
    revision: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None] = mapped_column(Timestamp)
    owner: Mapped[str | None] = mapped_column()
    last_error: Mapped[str | None] = mapped_column()
    # How long after it was done a periodic task is due again; null: it is done once.
    every_seconds: Mapped[int | None] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(Timestamp, default=now)

    __table_args__ = (
        Index("uq_background_tasks_key", key, unique=True),
        Index("ix_background_tasks_status_run_at", status, run_at),
        Index("ix_background_tasks_lane_position", lane, position),
        Index("ix_background_tasks_kind_run_at", kind, run_at),
        CheckConstraint(status.in_(STATUSES), name="status"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTask:
    """A task that is being done. What goes out names ``id`` and ``attempt``, so that a receiver can tell it again."""

    id: str
    kind: str
    key: str | None
    lane: str | None
    payload: Mapping[str, Any]
    # 1 for the first one.
    attempt: int
    is_last: bool


class PermanentError(Exception):
    """The task can't be done, however often it is tried. The text is shown to administrators: no secrets."""


class RetryLaterError(Exception):
    """The attempt failed for a reason that may pass. The text is shown to administrators: no secrets.

    The pause before the next attempt is at least as long as ``seconds``.
    """

    def __init__(self, text: str, seconds: float = 0.0) -> None:
        super().__init__(text)
        self.seconds = seconds


def schedule(  # noqa: PLR0913 - what may be said of a task, each by its name
    session: Session,
    kind: str,
    payload: Mapping[str, Any],
    *,
    key: str | None = None,
    lane: str | None = None,
    run_at: datetime | None = None,
    replace: bool = False,
) -> None:
    """Have something done after the transaction has committed: at once, or at a time.

    If a task with the same key waits, nothing changes, or with ``replace`` that task gets this payload and time. If it
    is being done just now, it is done once more. If it is dead, it is tried again, with this payload and time.

    The payload is any JSON. It is not encrypted: it holds ids and no secrets.
    """
    table = Base.metadata.tables[BackgroundTask.__tablename__]
    values: dict[str, Any] = {
        "kind": kind,
        "payload": dict(payload),
        "key": key,
        "lane": lane,
        "run_at": database_now() if run_at is None else run_at,
    }
    if lane is not None:
        last = select(func.max(table.c.position)).where(table.c.lane == lane).scalar_subquery()
        values["position"] = func.coalesce(last, 0) + 1
    new = upsert(table).values(values)
    if key is not None:
        new = new.on_conflict_do_update(index_elements=[table.c.key], set_=_again(new.excluded, replace=replace))
    session.connection().execute(new)
    if run_at is None:
        want_ring(session.info, WORK)


def _again(given: Any, *, replace: bool) -> dict[str, Any]:  # noqa: ANN401 - the columns of the refused row
    known = BackgroundTask.__table__.c
    is_dead = known.status == DEAD

    def changed(name: str) -> Expression:
        return given[name] if replace else case((is_dead, given[name]), else_=known[name])

    return {
        "payload": changed("payload"),
        "run_at": changed("run_at"),
        "attempts": case((or_(is_dead, known.lease_until.is_(None)), 0), else_=known.attempts),
        "status": WAITING,
        "revision": known.revision + 1,
    }


def withdraw(session: Session, key: str) -> None:
    """Have the task with this key not done, unless it has begun: then only its changes to the database are dropped."""
    session.execute(
        delete(BackgroundTask).where(BackgroundTask.key == key), execution_options={"synchronize_session": False}
    )
