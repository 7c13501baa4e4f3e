"""What each connection is set to, and how writers wait for each other."""

import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, event, insert, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.models import Organization, User
from app.persistence import Base
from app.persistence.database import READING, connect_engines, db, new_session
from app.persistence.engine import Engines
from app.services import services

pytestmark = pytest.mark.both_drivers


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Engines]:
    """Engines on a new SQLite database with all tables."""
    engines = connect_engines(Flask(__name__), f"sqlite:///{tmp_path / 'deep' / 'groundplan.sqlite3'}", 5)
    Base.metadata.create_all(engines.writing)
    yield engines
    engines.writing.dispose()


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("foreign_keys", 1), ("synchronous", 2), ("busy_timeout", 20_000), ("temp_store", 2)],
)
@pytest.mark.parametrize("kind", ["writing", "reading"])
def test_each_connection_of_sqlite_is_set(embedded: Engines, kind: str, pragma: str, value: object) -> None:
    with getattr(embedded, kind).connect() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


def test_flask_sqlalchemy_holds_the_engines_the_metadata_and_the_sessions(app: Flask) -> None:
    engines = services(app).engines
    with app.app_context():
        assert db.engines == {None: engines.writing, READING: engines.reading}
        assert db.metadata is Base.metadata
        with new_session() as session:
            assert session.get_bind() is engines.writing
            assert (session.autoflush, session.expire_on_commit) == (False, False)


def test_each_engine_has_a_pool_and_tells_no_values(app: Flask) -> None:
    engines = services(app).engines
    assert engines.writing.pool is not engines.reading.pool
    for engine in (engines.writing, engines.reading):
        assert engine.pool.size() == services(app).settings.pool_size  # type: ignore[attr-defined]
        assert engine.hide_parameters


def test_a_request_has_one_session_at_a_time(app: Flask) -> None:
    with app.app_context():
        with new_session(), pytest.raises(RuntimeError), new_session():
            pass
        with new_session() as first:
            pass
        with new_session() as second:
            assert second is not first


def test_the_embedded_database_is_its_owners_alone(embedded: Engines) -> None:
    path = Path(str(embedded.writing.url.database))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # The files beside it take their mode from it.
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in path.parent.iterdir())


def test_writers_queue_on_sqlite(embedded: Engines) -> None:
    """Each reads first and writes later: with deferred transactions one of two would fail at once."""
    with Session(embedded.writing) as session, session.begin():
        session.add(Organization(name="acme", email="x@example.test", session_timeout=0))
    ready = threading.Barrier(2)
    failures: list[Exception] = []

    def count_up() -> None:
        ready.wait()
        try:
            for _ in range(10):
                with Session(embedded.writing) as session, session.begin():
                    organization = session.scalars(select(Organization)).one()
                    time.sleep(0.002)
                    organization.session_timeout = (organization.session_timeout or 0) + 1
        except Exception as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)

    threads = [threading.Thread(target=count_up) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    with Session(embedded.writing) as session:
        assert session.scalars(select(Organization.session_timeout)).one() == 20


def test_readers_do_not_wait_for_a_writer(embedded: Engines) -> None:
    with Session(embedded.writing) as session, session.begin():
        session.add(User(username="ada", email="ada@example.test"))
        session.flush()
        with embedded.reading.connect() as connection:
            assert connection.execute(select(User.username)).all() == []
    with embedded.reading.connect() as connection:
        assert connection.scalar(select(User.username)) == "ada"


def test_a_writer_waits_only_so_long(embedded: Engines) -> None:
    impatient = create_engine(embedded.writing.url, connect_args={"timeout": 0})
    with embedded.writing.begin(), impatient.connect() as late, pytest.raises(OperationalError, match="locked"):
        late.execute(insert(User).values(username="late", email="late@example.test"))
    impatient.dispose()


def test_a_failed_transaction_leaves_nothing(engine: Engine) -> None:
    def write_and_fail() -> None:
        with Session(engine) as session, session.begin():
            session.add(User(username="ada", email="ada@example.test"))
            session.flush()
            raise KeyError

    with pytest.raises(KeyError):
        write_and_fail()
    with engine.connect() as connection:
        assert connection.execute(select(User.id)).all() == []


def test_reading_opens_no_transaction(app: Flask) -> None:
    reading: Engine = services(app).engines.reading
    if reading.dialect.name == "postgresql":
        with reading.connect() as connection:
            first, second = (connection.scalar(text("SELECT transaction_timestamp()")) for _ in range(2))
            assert first != second
        return
    seen: list[str] = []
    # The event is heard at the engine that the reading one was made from.
    writing: Engine = services(app).engines.writing

    def remember(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(writing, "before_cursor_execute", remember)
    with reading.connect() as connection:
        connection.execute(select(User.id)).all()
    event.remove(writing, "before_cursor_execute", remember)
    assert not any(statement.startswith("BEGIN") for statement in seen)


@pytest.mark.only_postgresql
def test_postgresql_speaks_utc(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW timezone")) == "UTC"


def test_names_are_sorted_by_code_point_on_both(engine: Engine) -> None:
    names = ["Zoe", "adam", "_x", "Eve", "-a", "\u00e9ric"]
    with Session(engine) as session, session.begin():
        session.add_all(User(username=name, email=f"{index}@example.test") for index, name in enumerate(names))
    with engine.connect() as connection:
        assert list(connection.scalars(select(User.username).order_by(User.username))) == sorted(names)
