"""Names that wait in the ledger for the next uploads of the process."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import event

from app.persistence import now
from app.services import services
from app.storage.ledger import register
from app.storage.spare_names import USABLE_FOR, SpareNames, line_of, new_name
from app.storage.sweeping import GRACE, sweep
from tests.support.states import States, state
from tests.support.sweeper import Sweeper

Commits = Callable[[], AbstractContextManager[list[object]]]


@pytest.fixture
def commits(app: Flask) -> Commits:
    """Records the commits within a block."""

    @contextmanager
    def recording() -> Iterator[list[object]]:
        seen: list[object] = []
        note = seen.append
        engine = services(app).engines.writing
        event.listen(engine, "commit", note)
        try:
            yield seen
        finally:
            event.remove(engine, "commit", note)

    return recording


def test_an_upload_enters_the_name_of_the_next_one(states: States, sweeper: Sweeper, commits: Commits) -> None:
    states.lock()
    costs = []
    for serial in (1, 2, 3):
        version = states.create(state(serial))
        with commits() as seen:
            states.put(version, state(serial))
            states.put(version, b"{}", part="json-state")
        costs.append(len(seen))
        assert len(sweeper.spare_names.all()) == 1
        assert sweeper.files() == sweeper.listed()
        assert len(sweeper.files()) == 2 * serial
    # Only the first upload of the process has to enter its own.
    assert costs == [3, 2, 2]


@pytest.mark.one_database
def test_an_upload_that_is_refused_or_repeated_uses_a_name_up(states: States, sweeper: Sweeper) -> None:
    states.save(state(1))
    before = sweeper.files()
    (spare,) = sweeper.spare_names.all()
    states.lock()
    version = states.create(state(2))
    states.put(version, state(3), expect=409)
    assert sweeper.spare_names.all() == set()
    assert sweeper.files() == sweeper.listed() == before
    states.put(version, state(2))
    assert len(sweeper.files()) == len(before) + 1
    assert spare not in sweeper.files()


def test_what_was_swept_or_lost_is_not_used(states: States, sweeper: Sweeper) -> None:
    states.save(state(1))
    sweeper.age(GRACE + timedelta(minutes=1))
    assert sweep(sweeper.engines, sweeper.vault, GRACE) == 1
    states.lock()
    version = states.create(state(2))
    # The client asks again, as it does after every 503.
    states.put(version, state(2), expect=503)
    states.put(version, state(2))
    assert states.fetched(states.show(version)) == state(2)
    assert sweeper.files() == sweeper.listed()
    assert len(sweeper.files()) == 2


@pytest.mark.one_database
def test_a_name_is_given_once_and_not_when_it_is_old(sweeper: Sweeper) -> None:
    engine = sweeper.engines.writing
    names = SpareNames()
    fresh, old = line_of(new_name()), line_of(new_name())
    old.values["created_at"] = now() - USABLE_FOR  # type: ignore[index]
    for row in (old, fresh):
        register(engine, row.values["name"])
        names.add(row)
    assert names.take(engine) == fresh.values["name"]
    taken = names.take(engine)
    assert taken not in {fresh.values["name"], old.values["name"]}
    assert names.all() == set()
    assert taken in sweeper.listed()
