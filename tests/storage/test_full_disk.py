"""A disk that is full: what needs it is refused as 503, nothing is half done, and afterwards all goes on."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from app.models import ActivityEvent, StateVersion, Var
from app.services import services
from tests.support.api import Api, document
from tests.support.states import States, md5, state
from tests.support.sweeper import Sweeper
from tests.support.world import World

# More than the draft of an object may have.
LARGE = 400_000


@contextmanager
def full_store() -> Iterator[None]:
    """The kernel refuses to let a file grow, as a disk without space does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGE // 4, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def full_database(app: Flask) -> Iterator[None]:
    """SQLite gets no page more, and says what it says when the disk is full."""
    engine = services(app).engines.writing
    # Pages that other tests have left would do for a while.
    with closing(sqlite3.connect(str(engine.url.database), isolation_level=None)) as connection:
        connection.execute("VACUUM")

    def limit(connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")

    def lift(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 4294967294")

    event.listen(engine, "checkout", limit)
    event.listen(engine, "checkin", lift)
    try:
        yield
    finally:
        event.remove(engine, "checkout", limit)
        event.remove(engine, "checkin", lift)


@pytest.fixture
def states(api: Api, world: World) -> States:
    owner = world.person()
    return States(api, world.workspace(world.project(world.organization(owner=owner)), "net"), owner.token)


# SQLite would be limited, too.
@pytest.mark.one_database("postgresql")
def test_a_state_that_finds_no_space_is_refused_and_can_be_sent_again(
    app: Flask, api: Api, world: World, states: States
) -> None:
    sweeper = Sweeper(app)
    before = sweeper.files()
    content = state(1, padding="x" * LARGE)
    states.lock()
    version = states.create(content)
    with full_store():
        answer = states.put(version, content, expect=503)
        assert answer.json["errors"][0]["status"] == "503"
        api.get("/account/details", states.token)
    assert sweeper.files() == before
    [announced] = world.all(StateVersion)
    assert announced.state_object is None
    states.put(version, content)
    states.unlock()
    assert states.fetched(states.current()) == content
    assert md5(content) == world.all(StateVersion)[0].md5


@pytest.mark.only_sqlite
def test_a_write_that_finds_no_space_changes_nothing(app: Flask, api: Api, world: World) -> None:
    owner = world.person()
    project = world.project(world.organization("acme", owner=owner))
    workspace = world.workspace(project)
    events = len(world.all(ActivityEvent))
    sent = document("vars", {"key": "long", "value": "x" * 100_000, "category": "env"})
    path = f"/workspaces/{workspace.id}/vars"
    with full_database(app):
        refused = api.post(path, owner.token, sent, expect=503)
        assert refused["errors"][0]["status"] == "503"
        api.get(path, owner.token)
    assert world.all(Var) == []
    assert len(world.all(ActivityEvent)) == events
    api.post(path, owner.token, sent)
    assert [each.key for each in world.all(Var)] == ["long"]
