"""The worker: its threads, its leases, its bell, and its end."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from app.doorbells import FOLDER, WORK, ring
from app.models.background_tasks import DueTask, schedule
from app.services import services
from app.worker import worker as workers
from app.worker.claims import claim
from app.worker.handling import Handler
from app.worker.worker import Worker
from tests.support.background import committing, tasks
from tests.support.services import replace_services

# How tasks are taken and ended is asked of both databases in test_tasks.py.
pytestmark = pytest.mark.one_database
SECONDS = 10.0


@contextmanager
def working(app: Flask, handlers: Mapping[str, Handler], periods: Mapping[str, int] | None = None) -> Iterator[Worker]:
    worker = Worker(app, handlers, periods or {})
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(SECONDS)
        assert not thread.is_alive()


def wait_for(claim: Callable[[], bool]) -> None:
    due = time.monotonic() + SECONDS
    while not claim():
        assert time.monotonic() < due
        time.sleep(0.01)


def put(app: Flask, kind: str, count: int = 1) -> None:
    with committing(app) as session:
        for number in range(count):
            schedule(session, kind, {"number": number})


@pytest.fixture
def settings(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def change(**members: object) -> None:
        replace_services(monkeypatch, app, settings=replace(services(app).settings, **members))  # type: ignore[arg-type]

    return change


def test_one_that_hangs_keeps_no_other_waiting(app: Flask) -> None:
    let_go, done = threading.Event(), []

    def hang(_task: DueTask) -> None:
        assert let_go.wait(SECONDS)

    def note(task: DueTask) -> None:
        done.append(task.payload["number"])

    put(app, "hang", 3)
    put(app, "note", 30)
    with working(app, {"hang": Handler(perform=hang), "note": Handler(perform=note)}):
        wait_for(lambda: len(done) == 30)
        # The last one is removed a moment after it is done.
        wait_for(lambda: len(tasks(app)) == 3)
        let_go.set()
        wait_for(lambda: not tasks(app))
    assert sorted(done) == list(range(30))


def test_what_is_periodic_is_done_by_itself(app: Flask) -> None:
    done: list[DueTask] = []
    with working(app, {"often": Handler(perform=done.append)}, {"often": 1}):
        wait_for(lambda: len(done) == 2)
    [row] = tasks(app)
    assert (row.key, row.attempts) == ("periodic:often", 0)


def test_it_keeps_what_takes_long(app: Flask, settings: Callable[..., None]) -> None:
    settings(worker_lease_seconds=2)
    begun: list[DueTask] = []

    def take_long(task: DueTask) -> None:
        begun.append(task)
        time.sleep(4.5)

    put(app, "long")
    handlers = {"long": Handler(perform=take_long)}
    with working(app, handlers), working(app, handlers):
        wait_for(lambda: not tasks(app))
    assert len(begun) == 1


def test_what_takes_too_long_is_begun_by_another_one(app: Flask, settings: Callable[..., None]) -> None:
    settings(worker_lease_seconds=1)
    let_go = threading.Event()
    begun: list[int] = []

    def hang(task: DueTask) -> None:
        begun.append(task.attempt)
        if task.attempt == 1:
            assert let_go.wait(SECONDS)

    put(app, "hang")
    with working(app, {"hang": Handler(perform=hang, longest_seconds=0.5)}):
        wait_for(lambda: not tasks(app))
        let_go.set()
    assert begun == [1, 2]


def test_a_worker_that_hangs_altogether_ends(
    app: Flask, settings: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(worker_lease_seconds=1, worker_threads=2)
    let_go = threading.Event()
    ended: list[int] = []

    def end(status: int) -> None:
        ended.append(status)
        let_go.set()

    monkeypatch.setattr(os, "_exit", end)
    put(app, "hang", 2)
    with working(app, {"hang": Handler(perform=lambda _task: assert_let_go(let_go), longest_seconds=0.1)}):
        wait_for(lambda: bool(ended))
    assert ended[0] == os.EX_SOFTWARE


def assert_let_go(event: threading.Event) -> None:
    assert event.wait(SECONDS)


def test_at_its_end_it_finishes_what_it_has_begun_and_gives_back_the_rest(
    app: Flask, settings: Callable[..., None]
) -> None:
    settings(worker_threads=2)
    begun, let_go = threading.Barrier(3), threading.Event()

    def hang(_task: DueTask) -> None:
        begun.wait(SECONDS)
        assert_let_go(let_go)

    put(app, "hang", 4)
    with working(app, {"hang": Handler(perform=hang)}) as worker:
        begun.wait(SECONDS)
        worker.stop()
        wait_for(lambda: len([row for row in tasks(app) if row.owner is None]) == 2)
        let_go.set()
    left = tasks(app)
    assert [(row.attempts, row.lease_until, row.owner) for row in left] == [(0, None, None)] * 2


def test_it_hears_the_bell(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "LOOK_SECONDS", 60.0)
    done: list[DueTask] = []
    bells = services(app).settings.home / FOLDER
    bell = bells / f"worker-{os.getpid()}.sock"
    with working(app, {"note": Handler(perform=done.append)}):
        wait_for(bell.exists)
        time.sleep(0.2)
        put(app, "note")
        # What is rung for agents is not for workers.
        ring(bells, ["job"])
        time.sleep(0.2)
        assert not done
        ring(bells, [WORK])
        wait_for(lambda: bool(done))
    assert not bell.exists()


def test_it_ends_with_the_process_that_started_it(app: Flask) -> None:
    started = time.monotonic()
    Worker(app, {}, {}, parent=1 if os.getppid() != 1 else 2).run()
    assert time.monotonic() - started < SECONDS


def test_it_waits_for_a_database_that_is_away(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "LOOK_SECONDS", 0.02)
    away = [OperationalError("", {}, Exception())] * 3

    def broken(*arguments: object) -> object:
        if away:
            raise away.pop()
        return claim(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "claim", broken)
    done: list[DueTask] = []
    put(app, "note")
    with working(app, {"note": Handler(perform=done.append)}):
        wait_for(lambda: bool(done))
    assert not away
