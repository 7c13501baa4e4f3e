"""Background tasks in tests: what waits, and doing what is due in the test's own thread."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.models.background_tasks import BackgroundTask
from app.persistence import now
from app.services import services
from app.web.context import act_as_service
from app.worker import claims
from app.worker.handlers import HANDLERS
from app.worker.handling import Handler
from app.worker.performing import perform

LEASE = 30.0
LONG_AGO = timedelta(days=1)


@contextmanager
def committing(app: Flask) -> Iterator[Session]:
    """A session outside any request, committed at the end."""
    with Session(services(app).engines.writing) as session:
        yield session
        session.commit()


def take(
    app: Flask, handlers: Mapping[str, Handler], count: int = 100, owner: str = "test", lease: float = LEASE
) -> list[claims.Claim]:
    """What a worker takes now."""
    with services(app).engines.writing.begin() as connection:
        return claims.claim(connection, handlers, owner, count, lease)


def do_due(app: Flask, handlers: Mapping[str, Handler] = HANDLERS) -> int:
    """Do what is due, and what is due because of it; how many attempts there were."""
    count = 0
    while taken := take(app, handlers):
        for claimed in taken:
            perform(app, handlers[claimed.task.kind], claimed)
            count += 1
    return count


Outcome = TypeVar("Outcome")


def in_context(app: Flask, work: Callable[[], Outcome]) -> Outcome:
    """What the work of a task gives, with the service as the actor."""
    with app.app_context():
        act_as_service()
        return work()


def tasks(app: Flask, **having: Any) -> Sequence[Any]:
    """The rows of the tasks with these values, in order of their time."""
    table = BackgroundTask.__table__
    wanted = select(table).where(*(table.c[name] == value for name, value in having.items()))
    with services(app).engines.reading.connect() as connection:
        return connection.execute(wanted.order_by(table.c.run_at, table.c.position)).all()


def make_due(app: Flask, **values: Any) -> None:
    """Let every task be due now, as if the time had passed; leases end."""
    with services(app).engines.writing.begin() as connection:
        earlier = {"run_at": now() - LONG_AGO, "lease_until": None} | values
        connection.execute(update(BackgroundTask).values(earlier))
