"""Background tasks: scheduled in a transaction, taken by one worker, and done, put off or dead."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.models.background_tasks import (
    DEAD,
    WAITING,
    DueTask,
    PermanentError,
    RetryLaterError,
    schedule,
    withdraw,
)
from app.models.organizations import Organization
from app.persistence import now
from app.services import services
from app.worker import claims
from app.worker.handling import Finish, Handler
from app.worker.performing import perform
from tests.support.background import committing, do_due, make_due, take, tasks
from tests.support.world import World

HOUR = timedelta(hours=1)


class Done:
    """Keeps what was done, in order."""

    def __init__(self, outcome: Callable[[DueTask], Finish | None] | None = None) -> None:
        self.tasks: list[DueTask] = []
        self._outcome = outcome

    def __call__(self, task: DueTask) -> Finish | None:
        self.tasks.append(task)
        return None if self._outcome is None else self._outcome(task)

    @property
    def names(self) -> list[Any]:
        return [task.payload["name"] for task in self.tasks]


def handlers(perform: Callable[[DueTask], Finish | None], **options: Any) -> dict[str, Handler]:
    return {"note": Handler(perform=perform, **options)}


def note(app: Flask, name: str, **options: Any) -> None:
    with committing(app) as session:
        schedule(session, "note", {"name": name}, **options)


def fail(error: Exception) -> Callable[[DueTask], None]:
    def perform(_task: DueTask) -> None:
        raise error

    return perform


def test_a_task_is_done_once_and_gone(app: Flask) -> None:
    done = Done()
    note(app, "a")
    assert do_due(app, handlers(done)) == 1
    assert do_due(app, handlers(done)) == 0
    assert tasks(app) == []
    [task] = done.tasks
    assert (task.kind, task.attempt, task.is_last) == ("note", 1, False)
    assert task.id.startswith("work-")


def test_what_is_rolled_back_is_not_done(app: Flask) -> None:
    with Session(services(app).engines.writing) as session:
        schedule(session, "note", {"name": "a"})
        session.rollback()
    assert tasks(app) == []


def test_nothing_is_done_before_its_time_and_the_earliest_comes_first(app: Flask) -> None:
    done = Done()
    for name, hours in (("b", -1), ("later", 1), ("a", -2)):
        note(app, name, run_at=now() + hours * HOUR)
    do_due(app, handlers(done))
    assert done.names == ["a", "b"]
    assert [row.payload["name"] for row in tasks(app)] == ["later"]


def test_a_kind_that_a_worker_does_not_know_waits_for_another_one(app: Flask) -> None:
    note(app, "a")
    assert take(app, {"other": Handler(perform=Done())}) == []
    assert [row.attempts for row in tasks(app)] == [0]


def test_a_key_is_there_once(app: Flask) -> None:
    later = now() + HOUR
    note(app, "a", key="k", run_at=later)
    note(app, "b", key="k", run_at=later + HOUR)
    [row] = tasks(app)
    assert (row.payload["name"], row.run_at) == ("a", later)
    note(app, "c", key="k", run_at=later + HOUR, replace=True)
    [row] = tasks(app)
    assert (row.payload["name"], row.run_at) == ("c", later + HOUR)
    with committing(app) as session:
        withdraw(session, "k")
    assert tasks(app) == []


@pytest.mark.parametrize("replace", [False, True])
def test_what_is_scheduled_again_while_it_is_done_is_done_again(app: Flask, replace: bool) -> None:  # noqa: FBT001
    note(app, "a", key="k")
    done = Done(lambda task: note(app, "b", key="k", replace=replace) if task.payload["name"] == "a" else None)
    if not replace:
        done = Done(lambda _task: note(app, "b", key="k") if len(done.tasks) == 1 else None)
    do_due(app, handlers(done))
    assert done.names == ["a", "b" if replace else "a"]
    assert tasks(app) == []


def test_a_handler_may_schedule_its_own_key_for_later(app: Flask) -> None:
    later = now() + HOUR

    def again(session: Session) -> None:
        schedule(session, "note", {"name": "b"}, key="k", run_at=later, replace=True)

    note(app, "a", key="k")
    do_due(app, handlers(lambda _task: again))
    [row] = tasks(app)
    assert (row.payload["name"], row.run_at, row.attempts, row.lease_until, row.owner) == ("b", later, 0, None, None)


def test_a_dead_task_begins_anew_if_it_is_scheduled_again(app: Flask) -> None:
    note(app, "a", key="k")
    do_due(app, handlers(fail(PermanentError("no"))))
    assert [row.status for row in tasks(app)] == [DEAD]
    done = Done()
    note(app, "b", key="k")
    do_due(app, handlers(done))
    assert done.names == ["b"]
    assert tasks(app) == []


def test_a_lane_is_done_in_order(app: Flask) -> None:
    for name in "abc":
        note(app, name, lane="l")
    note(app, "x")
    note(app, "y", lane="other")
    known = handlers(Done())
    first = take(app, known)
    assert sorted(each.task.payload["name"] for each in first) == ["a", "x", "y"]
    assert take(app, known) == []
    [a] = [each for each in first if each.task.payload["name"] == "a"]
    # An attempt that failed keeps the others waiting, and a dead task does not.
    perform(app, Handler(perform=fail(RetryLaterError("busy"))), a)
    assert take(app, known) == []
    make_due(app)
    [a] = [each for each in take(app, known) if each.task.payload["name"] == "a"]
    perform(app, Handler(perform=fail(PermanentError("no"))), a)
    assert [each.task.payload["name"] for each in take(app, known)] == ["b"]


def test_what_fails_is_tried_again_later_and_then_dead(app: Flask) -> None:
    known = handlers(fail(ValueError("a secret")), attempts=3, first_pause_seconds=100.0)
    note(app, "a")
    for attempt in (1, 2):
        assert do_due(app, known) == 1
        [row] = tasks(app)
        assert (row.status, row.attempts, row.lease_until, row.owner) == (WAITING, attempt, None, None)
        pause = (row.run_at - now()).total_seconds()
        assert 40 * 2**attempt / 2 < pause <= 100 * 2**attempt / 2
        assert row.last_error.startswith("ValueError in test_tasks.py, line ")
        make_due(app)
    assert do_due(app, known) == 1
    [row] = tasks(app)
    assert (row.status, row.attempts) == (DEAD, 3)
    assert "secret" not in row.last_error
    make_due(app)
    assert do_due(app, known) == 0


@pytest.mark.one_database
def test_pauses_grow_to_an_hour_and_end_after_more_than_one() -> None:
    handler = Handler(perform=Done())
    pauses = [handler.pause(attempt) for attempt in range(1, handler.attempts)]
    assert 2.5 <= pauses[0] <= 5
    assert 1800 <= pauses[-1] <= 3600
    assert sum(pauses) > 3600
    assert handler.pause(10_000) <= 3600


def test_the_last_attempt_knows_that_it_is_the_last(app: Flask) -> None:
    done = Done(fail(ValueError()))
    known = handlers(done, attempts=2)
    note(app, "a")
    do_due(app, known)
    make_due(app)
    do_due(app, known)
    assert [(task.attempt, task.is_last) for task in done.tasks] == [(1, False), (2, True)]


@pytest.mark.parametrize(("asked", "seconds"), [(7200, 7200), (1e9, 86_400)])
def test_an_error_may_say_how_long_to_wait(app: Flask, asked: float, seconds: int) -> None:
    note(app, "a")
    do_due(app, handlers(fail(RetryLaterError("The server asks for a pause", asked))))
    [row] = tasks(app)
    assert row.last_error == "The server asks for a pause"
    assert timedelta(seconds=seconds - 100) < row.run_at - now() <= timedelta(seconds=seconds)


def test_changes_happen_with_the_removal_or_not_at_all(app: Flask, world: World) -> None:
    organization_id = world.organization("acme").id

    def change(session: Session) -> None:
        session.get_one(Organization, organization_id).name = "renamed"

    def change_and_fail(session: Session) -> None:
        change(session)
        raise ValueError

    note(app, "a")
    do_due(app, handlers(lambda _task: change_and_fail))
    assert [each.name for each in world.all(Organization)] == ["acme"]
    make_due(app)
    do_due(app, handlers(lambda _task: change))
    assert [each.name for each in world.all(Organization)] == ["renamed"]
    assert tasks(app) == []


def test_who_has_lost_the_lease_changes_nothing(app: Flask) -> None:
    changed: list[Session] = []

    def write(session: Session) -> None:
        changed.append(session)
        note_in(session)

    slow = Handler(perform=lambda _task: write)
    note(app, "a", key="k")
    [first] = take(app, {"note": slow}, owner="first", lease=-1.0)
    [second] = take(app, {"note": slow}, owner="second")
    assert second.task.id == first.task.id
    assert second.task.attempt == 2
    perform(app, slow, first)
    assert len(changed) == 1
    # Neither what it wanted to write nor its failure counts.
    assert [(row.kind, row.owner) for row in tasks(app)] == [("note", "second")]
    perform(app, Handler(perform=fail(PermanentError("no"))), first)
    assert [(row.status, row.owner, row.last_error) for row in tasks(app)] == [(WAITING, "second", None)]
    perform(app, slow, second)
    assert [row.kind for row in tasks(app)] == ["written"]


def note_in(session: Session) -> None:
    schedule(session, "written", {})


def test_a_lease_is_kept_and_given_back(app: Flask) -> None:
    known = handlers(Done())
    note(app, "a")
    [claimed] = take(app, known, owner="first", lease=-1.0)
    with services(app).engines.writing.begin() as connection:
        claims.renew(connection, "first", [claimed.task.id], 30.0)
        claims.renew(connection, "second", [claimed.task.id], -30.0)
    assert take(app, known) == []
    with services(app).engines.writing.begin() as connection:
        claims.release(connection, "second", [claimed.task.id])
    assert take(app, known) == []
    with services(app).engines.writing.begin() as connection:
        claims.release(connection, "first", [claimed.task.id])
    assert [each.task.attempt for each in take(app, known)] == [1]


def test_what_ends_its_worker_again_and_again_is_dead(app: Flask) -> None:
    done = Done()
    known = handlers(done, attempts=3)
    note(app, "a")
    for _ in range(3):
        assert len(take(app, known, lease=-1.0)) == 1
    do_due(app, known)
    [row] = tasks(app)
    assert (row.status, row.last_error) == (DEAD, "Each of 3 workers ended while it did this")
    assert done.tasks == []


def test_what_is_withdrawn_while_it_is_done_changes_nothing_more(app: Flask) -> None:
    def withdrawing(_task: DueTask) -> Finish:
        with committing(app) as session:
            withdraw(session, "k")
        return note_in

    note(app, "a", key="k")
    do_due(app, handlers(withdrawing))
    assert tasks(app) == []


def test_two_workers_never_do_one_task_twice(app: Flask) -> None:
    count, at_once = 60, 4
    with committing(app) as session:
        for number in range(count):
            schedule(session, "note", {"name": number}, lane=f"lane-{number % 3}" if number % 2 else None)
    done: Counter[int] = Counter()
    order: dict[str, list[int]] = {}
    lock = threading.Lock()

    def perform_one(task: DueTask) -> None:
        with lock:
            done[task.payload["name"]] += 1
            if task.lane is not None:
                order.setdefault(task.lane, []).append(task.payload["name"])

    known = handlers(perform_one)

    def work(number: int) -> None:
        while True:
            taken = take(app, known, 3, f"worker-{number}")
            for claimed in taken:
                perform(app, known["note"], claimed)
            if not taken and not tasks(app):
                return

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(work, range(at_once)))
    assert done == Counter(range(count))
    assert all(names == sorted(names) for names in order.values())


def test_what_is_periodic_is_done_again_and_never_dies(app: Flask) -> None:
    engine = services(app).engines.writing
    for period in (3600, 3600, 60):
        with engine.begin() as connection:
            claims.ensure_periodic(connection, {"note": period})
    [row] = tasks(app)
    assert row.every_seconds == 60
    known = handlers(fail(PermanentError("no")), attempts=1)
    for attempt in (1, 2):
        assert do_due(app, known) == 1
        [row] = tasks(app)
        assert (row.status, row.attempts, row.last_error) == (WAITING, attempt, "no")
        make_due(app)
    do_due(app, handlers(Done()))
    [row] = tasks(app)
    assert (row.status, row.attempts, row.last_error, row.lease_until) == (WAITING, 0, None, None)
    assert timedelta(seconds=55) < row.run_at - now() <= timedelta(seconds=60)
    # A worker that starts does not begin it before its time.
    with engine.begin() as connection:
        claims.ensure_periodic(connection, {"note": 60})
    assert tasks(app)[0].run_at == row.run_at


def test_how_much_is_asked_of_the_database(app: Flask, statements: Callable[[], Any]) -> None:
    known = handlers(Done())
    for number in range(3):
        note(app, str(number), lane="l" if number else None)
    with statements() as issued, services(app).engines.reading.connect() as connection:
        assert claims.is_anything_due(connection, known)
    assert [text for text in issued if not text.startswith("BEGIN")][1:] == []
    with statements() as issued:
        taken = take(app, known)
    assert [text for text in issued if not text.startswith("BEGIN")][1:] == []
    with statements() as issued:
        perform(app, known["note"], taken[0])
    assert [text for text in issued if not text.startswith("BEGIN")][1:] == []
