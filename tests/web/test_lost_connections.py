"""A lost connection to the database costs one request: it answers 503, and the next one has a new connection."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import NullPool, QueuePool, create_engine, text

from app.models import Organization
from app.services import services
from tests.support.activity import left_by_requests
from tests.support.api import Api, document
from tests.support.world import Person, World

pytestmark = [pytest.mark.only_postgresql, pytest.mark.both_drivers]


@pytest.fixture
def owner(world: World) -> Person:
    return world.person("ada")


@pytest.fixture
def acme(world: World, owner: Person) -> Organization:
    return world.organization("acme", owner=owner)


def lose(database: str, app: Flask, kind: str) -> None:
    """End the one connection in the pool of an engine, as a restart of the server would."""
    engines = services(app).engines
    engine = engines.reading if kind == "reading" else engines.writing
    engines.dispose()
    with engine.connect() as connection:
        process = connection.scalar(text("SELECT pg_backend_pid()"))
    terminate(database, [process])


def terminate(database: str, processes: Iterable[int | None]) -> None:
    administration = create_engine(database, poolclass=NullPool)
    with administration.connect() as connection:
        for process in processes:
            # It waits, for at most so many milliseconds, until the other one is gone.
            connection.execute(text("SELECT pg_terminate_backend(:process, 5000)"), {"process": process})


@pytest.mark.parametrize("kind", ["reading", "writing"])
def test_it_costs_one_request(
    app: Flask, api: Api, world: World, acme: Organization, owner: Person, database: str, kind: str
) -> None:
    path = f"/organizations/{acme.name}/projects"
    api.post(path, owner.token, document("projects", {"name": "before"}))
    lose(database, app, kind)

    answer = api.raw("POST", path, owner.token, document("projects", {"name": "billing"}))
    assert (answer.status_int, answer.headers["Retry-After"]) == (503, "1")
    api.post(path, owner.token, document("projects", {"name": "billing"}))

    assert [event.subject_name for event in left_by_requests(world)] == ["before", "billing"]


def test_no_thread_keeps_a_connection_of_before(app: Flask, api: Api, owner: Person, database: str) -> None:
    """When one thread learns that the server was restarted, the others take new connections, too."""
    have_connected, is_known = Barrier(2, timeout=20), Barrier(2, timeout=20)
    engines = services(app).engines
    engines.dispose()
    processes = []

    def read() -> int:
        status: int = api.raw("GET", "/account/details", owner.token).status_int
        return status

    def connect() -> None:
        assert read() == 200
        processes.append(engines.own_reader().scalar(text("SELECT pg_backend_pid()")))
        have_connected.wait()

    def first() -> list[int]:
        connect()
        terminate(database, processes)
        answered = [read(), read()]
        is_known.wait()
        return answered

    def second() -> list[int]:
        connect()
        is_known.wait()
        return [read(), read()]

    with ThreadPoolExecutor(2) as threads:
        futures = threads.submit(first), threads.submit(second)
        assert [each.result() for each in futures] == [[503, 200], [200, 200]]
    assert len(set(processes)) == 2


def test_a_thread_keeps_one_connection(app: Flask, api: Api, owner: Person) -> None:
    pool = services(app).engines.reading.pool
    assert isinstance(pool, QueuePool)

    def checked_out() -> int:
        assert api.raw("GET", "/account/details", owner.token).status_int == 200
        return pool.checkedout()

    assert checked_out() == checked_out() > 0
