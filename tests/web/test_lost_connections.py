"""A lost connection to the database costs one request: it answers 503, and the next one has a new connection."""

import pytest
from flask import Flask
from sqlalchemy import NullPool, create_engine, text

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
    engine.dispose()
    with engine.connect() as connection:
        process = connection.scalar(text("SELECT pg_backend_pid()"))
    administration = create_engine(database, poolclass=NullPool)
    with administration.connect() as connection:
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
