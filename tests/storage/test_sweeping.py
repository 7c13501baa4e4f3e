"""No object stays behind that nothing names, and none goes that something names."""

import io
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import Engine, inspect, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.models import StateVersion, StoredObject
from app.persistence import Base, now
from app.storage import sweeping
from app.storage.ledger import MarkedForDeletion, attach, object_columns, register
from app.storage.sweeping import sweepable
from app.web.objects import stored_object
from tests.support.states import States, md5, state
from tests.support.sweeper import Sweeper, fill

pytestmark = pytest.mark.both_drivers

NOT_AT_ALL = timedelta(0)


# --- what is left behind ------------------------------------------------------------------------------------------


def test_what_a_killed_process_has_left_goes_after_a_while(states: States, sweeper: Sweeper) -> None:
    fill(states)
    before = sweeper.files()
    name = sweeper.orphan("states/ws-gone/orphan")
    sweeper.age(sweeping.GRACE - timedelta(minutes=1))
    assert sweeper.sweep(sweeping.GRACE) == 0
    assert sweeper.files() == sweeper.listed() == {*before, name}
    sweeper.age(sweeping.GRACE + timedelta(minutes=1))
    assert sweeper.sweep(sweeping.GRACE) == 1
    assert sweeper.files() == sweeper.listed() == before
    assert states.fetched(states.current()) == state(2)


def test_more_than_a_batch_goes_and_what_is_named_between_stays(
    states: States, sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "BATCH", 2)
    fill(states, 3)
    before = sweeper.files()
    for index in range(7):
        sweeper.orphan(f"a/{index}")
        sweeper.orphan(f"z/{index}")
    assert sweeper.sweep() == 14
    assert sweeper.files() == sweeper.listed() == before


def test_a_half_written_object_goes(sweeper: Sweeper) -> None:
    register(sweeper.engines.writing, "states/ws-x/half")
    folder = sweeper.folder / "states" / "ws-x"
    folder.mkdir(parents=True)
    (folder / ".half").write_bytes(b"half of i")
    assert sweeper.sweep() == 1
    assert not folder.exists()
    assert sweeper.listed() == set()


@pytest.mark.parametrize("has_happened", [True, False])
def test_a_commit_whose_answer_is_lost_is_settled_by_the_sweep(
    states: States, sweeper: Sweeper, app: Flask, engine: Engine, *, has_happened: bool
) -> None:
    states.lock()
    version_id = states.create(state())["data"]["id"]

    def commit(name: str) -> None:
        with Session(engine) as session, session.begin():
            attach(session, name)
            session.get_one(StateVersion, version_id).state_object = name
            if not has_happened:
                session.rollback()
        raise OperationalError("COMMIT", None, Exception("the server went away"))

    with app.test_request_context(), pytest.raises(OperationalError), stored_object("states/x/1", [b"x"]) as put:
        commit(put.name)
    assert sweeper.files() == {"states/x/1"}
    assert sweeper.sweep() == (not has_happened)
    assert sweeper.files() == sweeper.listed() == ({"states/x/1"} if has_happened else set())


def test_a_refused_upload_leaves_no_row(states: States, sweeper: Sweeper) -> None:
    states.lock()
    version = states.create(state())
    states.put(version, state(2), expect=409)
    states.put(states.create(state(), md5=md5(b"{")), b"{", expect=422)
    states.inline(state(3), md5=md5(state()), expect=409)
    assert sweeper.files() == sweeper.listed() == set()


def test_a_state_that_is_refused_when_it_is_stored_leaves_nothing(states: States, sweeper: Sweeper) -> None:
    states.save(state(5))
    before = sweeper.files()
    states.lock()
    states.inline(state(4), expect=412)
    assert sweeper.files() == sweeper.listed() == before


# --- together with uploads and other sweeps -----------------------------------------------------------------------


class Arriving(io.RawIOBase):
    """The bytes, between the halves of which something happens."""

    def __init__(self, content: bytes, happening: Callable[[], object]) -> None:
        self._parts = [content[:100], content[100:]]
        self._happening = happening

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if len(self._parts) == 1:
            self._happening()
        part = self._parts.pop(0) if self._parts else b""
        buffer[: len(part)] = part
        return len(part)


@pytest.mark.parametrize("part", ["state", "json-state"])
def test_an_upload_that_is_discarded_while_it_arrives_is_refused(
    states: States, sweeper: Sweeper, app: Flask, part: str
) -> None:
    states.lock()
    version = states.create(state())
    answer = app.test_client().put(
        urlsplit(version["data"]["attributes"][f"hosted-{part}-upload-url"]).path,
        environ_overrides={
            "wsgi.input": io.BufferedReader(Arriving(state(), states.force_unlock), 64),
            "CONTENT_LENGTH": str(len(state())),
        },
    )
    assert answer.status_code == 409
    assert sweeper.files() == sweeper.listed() == set()


@pytest.mark.parametrize("is_removed", [False, True], ids=["condemned", "removed"])
def test_an_upload_that_was_given_up_is_refused_and_can_be_sent_again(
    states: States, sweeper: Sweeper, app: Flask, engine: Engine, *, is_removed: bool
) -> None:
    def give_up() -> None:
        if is_removed:
            assert sweeper.sweep() == 1
            return
        with engine.begin() as connection:
            assert connection.execute(update(StoredObject).values(condemned_at=now())).rowcount == 1

    states.lock()
    version = states.create(state())
    answer = app.test_client().put(
        urlsplit(version["data"]["attributes"]["hosted-state-upload-url"]).path,
        environ_overrides={
            "wsgi.input": io.BufferedReader(Arriving(state(), give_up), 64),
            "CONTENT_LENGTH": str(len(state())),
        },
    )
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert states.show(version)["data"]["attributes"]["status"] == "pending"
    states.put(version, state())
    assert states.fetched(states.show(version)) == state()
    sweeper.sweep()
    assert len(sweeper.files()) == len(sweeper.listed()) == 1


def test_what_was_condemned_can_not_be_named(sweeper: Sweeper, app: Flask, engine: Engine) -> None:
    with app.test_request_context(), stored_object("a/b", [b"x"]) as put:
        assert sweeper.sweep() == 1
        with Session(engine) as session, pytest.raises(MarkedForDeletion):
            attach(session, put.name)


def test_a_sweep_at_the_moment_of_the_commit_takes_nothing(states: States, sweeper: Sweeper, engine: Engine) -> None:
    states.lock()
    version = states.create(state())
    for turn in range(10):
        name = sweeper.orphan(f"states/x/{turn}")
        time.sleep(0.002)
        with Session(engine) as session, session.begin():
            attach(session, name)
            row = session.scalars(select(StateVersion)).one()
            row.state_object = name
            session.flush()
            sweeping_meanwhile = threading.Thread(target=sweeper.sweep)
            sweeping_meanwhile.start()
            time.sleep(0.02 * turn)
        sweeping_meanwhile.join()
        assert name in sweeper.files()
    assert version
    sweeper.sweep()
    assert sweeper.files() == sweeper.listed() == {"states/x/9"}


def test_sweeps_at_once_do_each_other_no_harm(
    states: States, sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "BATCH", 5)
    fill(states, 3)
    before = sweeper.files()
    for index in range(60):
        sweeper.orphan(f"a/{index}")
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: sweeper.sweep(), range(4)))
    assert sum(counts) >= 60
    sweeper.sweep()
    assert sweeper.files() == sweeper.listed() == before


def test_one_object_that_can_not_be_removed_does_not_hold_up_the_others(
    sweeper: Sweeper, broken: Callable[[str], None], app: Flask
) -> None:
    for index in range(5):
        sweeper.orphan(f"a/{index}")
    broken("a/1")
    assert Sweeper(app).sweep() == 4
    assert sweeper.files() == sweeper.listed() == {"a/1"}
    assert Sweeper(app).sweep() == 0
    assert sweeper.sweep() == 1
    assert sweeper.files() == sweeper.listed() == set()


def test_a_sweep_ends_where_the_store_removes_nothing(
    sweeper: Sweeper, broken: Callable[[str], None], app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "BATCH", 2)
    for index in range(5):
        sweeper.orphan(f"a/{index}")
    broken("")
    assert Sweeper(app).sweep() == 0
    assert len(sweeper.listed()) == sweeper.condemned() == 5


# --- the command and the models -----------------------------------------------------------------------------------


def run(app: Flask, arguments: Iterable[str]) -> str:
    with app.app_context():
        result = app.test_cli_runner().invoke(args=["sweep-storage", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_says_what_it_does(states: States, sweeper: Sweeper, app: Flask) -> None:
    fill(states)
    sweeper.forget_spare_names()
    sweeper.orphan("a/1")
    time.sleep(0.002)
    assert run(app, ["--dry-run"]) == "0 objects would be removed.\n"
    assert run(app, ["--dry-run", "--grace-hours", "0"]) == "1 objects would be removed.\n"
    assert sweepable(sweeper.engines, NOT_AT_ALL) == 1
    assert run(app, []) == "Removed 0 objects.\n"
    assert run(app, ["--grace-hours", "0"]) == "Removed 1 objects.\n"
    assert "a/1" not in sweeper.files() | sweeper.listed()


def test_every_column_that_names_an_object_says_so() -> None:
    """One that does not would lose its objects to the sweep."""
    marked = {(table.name, column.name) for table, column in object_columns()}
    assert marked >= {("state_versions", "state_object"), ("state_versions", "json_state_object")}
    assert marked >= {
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name.endswith("_object")
    }


def test_every_column_that_names_an_object_has_an_index(engine: Engine) -> None:
    for table, column in object_columns():
        assert [column.name] in [index["column_names"] for index in inspect(engine).get_indexes(table.name)]
