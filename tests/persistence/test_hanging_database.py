"""A PostgreSQL that stops to answer costs requests seconds, and those that don't need it nothing."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import OperationalError

from app.persistence import watching
from app.persistence.watching import LIMITS_OF_TASKS, Limits, limits_of_requests
from app.services import services
from tests.support.activity import left_by_requests
from tests.support.api import Api, document
from tests.support.databases import DRIVERS, own_server
from tests.support.world import World

NewApp = Callable[[str], AbstractContextManager[Flask]]
# Much longer than it takes, and much shorter than the drivers would wait.
SECONDS = 20


class Server:
    """A PostgreSQL server whose processes can be stopped and continued."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.process = int((Path(str(url.query["host"])) / "postmaster.pid").read_text().split()[0])

    def send(self, number: signal.Signals) -> None:
        children = Path(f"/proc/{self.process}/task/{self.process}/children").read_text().split()
        for each in (self.process, *map(int, children)):
            # A process of its housekeeping may end meanwhile.
            with suppress(ProcessLookupError):
                os.kill(each, number)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that nobody else uses."""
    with own_server() as url:
        yield Server(make_url(url))


@pytest.fixture
def hang(server: Server) -> Iterator[Callable[[], None]]:
    with ExitStack() as afterwards:
        afterwards.callback(server.send, signal.SIGCONT)
        yield lambda: server.send(signal.SIGSTOP)


def is_away(app: Flask) -> bool:
    return services(app).engines.watch.is_away


@pytest.mark.parametrize("driver", DRIVERS.values())
def test_requests_are_refused_until_it_answers(
    server: Server, hang: Callable[[], None], new_app: NewApp, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SUSPICIOUS_SECONDS", 0.3)
    url = server.url.set(drivername=driver).render_as_string(hide_password=False)
    with new_app(url) as app:
        api, engines = Api(app), services(app).engines
        for engine in (engines.writing, engines.reading):
            with engine.connect() as connection:
                connection.scalar(text("SELECT 1"))
        hang()

        begun = time.monotonic()
        answer = api.raw("GET", "/account/details", "a-token")
        assert (answer.status_int, answer.headers["Retry-After"]) == (503, "1")
        assert is_away(app)
        with pytest.raises(OperationalError), engines.writing.begin() as connection:
            connection.scalar(text("SELECT 1"))
        assert api.raw("GET", "/account/details", "a-token").status_int == 503
        assert api.raw("GET", "/ping").status_int == 204
        assert time.monotonic() - begun < SECONDS

        server.send(signal.SIGCONT)
        while is_away(app):
            assert time.monotonic() - begun < 2 * SECONDS
            time.sleep(0.05)
        for engine in (engines.writing, engines.reading):
            # What it had as a connection is lost, and noticed by whoever uses it.
            with suppress(OperationalError), engine.connect() as connection:
                connection.scalar(text("SELECT 1"))
            with engine.connect() as connection:
                assert connection.scalar(text("SELECT 1")) == 1


@pytest.mark.only_postgresql
@pytest.mark.both_drivers
def test_a_wait_for_a_lock_and_a_statement_have_limits(
    database: str, app: Flask, world: World, new_app: NewApp
) -> None:
    ada = world.person("ada")
    organization = world.organization("acme", owner=ada)
    path = f"/organizations/{organization.name}"
    with new_app(database) as limited:
        services(limited).engines.watch.limits = Limits(statement=1, lock=1)
        api = Api(limited)
        with services(app).engines.writing.begin() as other:
            other.execute(text("SELECT id FROM organizations FOR UPDATE"))
            sent = document("organizations", {"email": "new@example.test"})
            answer = api.raw("PATCH", path, ada.token, sent)
            assert (answer.status_int, answer.headers["Retry-After"]) == (503, "1")
        assert left_by_requests(world) == []
        api.patch(path, ada.token, sent)

        with pytest.raises(OperationalError), services(limited).engines.reading.connect() as connection:
            connection.execute(text("SELECT pg_sleep(10)"))


@pytest.mark.only_postgresql
def test_commands_have_no_limits_and_tasks_have_theirs(app: Flask) -> None:
    with services(app).engines.writing.connect() as connection:
        assert connection.scalar(text("SHOW statement_timeout")) == "0"
        assert connection.scalar(text("SHOW lock_timeout")) == "0"
    assert LIMITS_OF_TASKS.statement > 10 * limits_of_requests(20).statement
    assert limits_of_requests(0) == Limits()


@pytest.mark.one_database
def test_a_request_does_not_wait_for_a_connection_for_ever(
    app: Flask, api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = world.person("ada")
    organization = world.organization("acme", owner=ada)
    engine = services(app).engines.writing
    assert engine.pool.timeout() <= 5  # type: ignore[attr-defined]
    monkeypatch.setattr(engine.pool, "_timeout", 0.01)
    with ExitStack() as taken:
        with suppress(Exception):
            while True:
                taken.enter_context(engine.connect())
        sent = document("projects", {"name": "billing"})
        answer = api.raw("POST", f"/organizations/{organization.name}/projects", ada.token, sent)
    assert (answer.status_int, answer.headers["Retry-After"]) == (503, "1")
