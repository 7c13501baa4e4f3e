"""What every test can ask for: an application on either database, emptied after each test.

A test that uses ``app`` or ``database`` runs once on each kind: ``test_x[sqlite]``, ``test_x[postgresql]``. One that is
marked by ``only_postgresql`` or ``only_sqlite`` asks what that database alone has an answer to. One that is marked by
``both_drivers`` asks what the driver has a part in: on PostgreSQL it runs with psycopg2, and once more with psycopg 3:
``test_x[postgresql-psycopg]``.

A test that is marked by ``one_database`` asks nothing whose answer could depend on the database. It is decided before
the first statement, as what is refused as malformed; or after the last one, as the shape of a document, headers and
pages; or in Python between them, as what a caller may do with a resource whose row was read. It runs on SQLite, or on
the kind that the mark names. Everything else runs on both: which rows of a list a caller sees, filters, searches and
orders, what is unique, bounds of texts and numbers, moments, counts, locks, requests at once, numbers of statements,
and plans.
"""

import gc
import importlib
import os
import pkgutil
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import pytest
from argon2 import PasswordHasher
from coverage import Coverage
from flask import Flask
from flask_migrate import upgrade
from hypothesis import settings
from sqlalchemy import Engine, event

import app as app_package
from app.application import create_app
from app.authentication import passwords
from app.config import Settings
from app.persistence import Base
from app.services import services
from tests.support import databases
from tests.support.api import Api
from tests.support.measured import END_TO_END, runs_elsewhere_too
from tests.support.policy_watch import watch_policy
from tests.support.world import World

# Where the machine keeps no compiled code, each of the two hundred processes of the end-to-end tests would compile the
# whole application again, and pytest every test.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# A sixth of the time would go into the search for garbage among modules and tests, which stay.
SEARCH_FOR_GARBAGE_AFTER = 5_000
gc.set_threshold(10 * SEARCH_FOR_GARBAGE_AFTER)
# The same examples at every run: a red test is about the change, not about luck.
settings.register_profile("groundplan", derandomize=True, deadline=None)
settings.load_profile("groundplan")

ROOT = Path(__file__).parent.parent
BOOTSTRAP_TOKEN = "bootstrap-token-of-the-test-suite-0123456789"
SERVER = "postgresql_server"
EMPTY = "empty_all_tables_for_tests"
# Their tests wait for processes, signals and pauses most of the time.
WAITING = (END_TO_END, ROOT / "tests" / "agent")
# The coverage of a test with parameters is measured with its first case: the others run the same lines, mostly.
MEASURED_CASES = 1
# Programs that some end-to-end tests run, which say so with the mark needs.
TOOLS = ("bash", "curl", "openssl", "terraform")
KINDS_OF_MARKS = {"only_sqlite": "sqlite", "only_postgresql": "postgresql"}


class NewDatabase(Protocol):
    """Makes databases of one kind, each gone at the end of its ``with`` block."""

    def __call__(self, template: str | None = None) -> AbstractContextManager[str]:
        """An empty database, or a copy of the one with this URL, which nobody may use meanwhile."""


class PostgresqlServer:
    """The one PostgreSQL server of a test run, started when it is first asked for."""

    def __init__(self) -> None:
        self._url = databases.given_server()
        self._started = ExitStack()

    def url(self) -> str:
        if self._url is None:
            self._url = self._started.enter_context(databases.own_server())
        return self._url

    def stop(self) -> None:
        self._started.close()


def pytest_report_header() -> list[str]:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    return [f"not on the PATH, so the end-to-end tests with them are left out: {', '.join(missing)}"] if missing else []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    there = {tool for tool in TOOLS if shutil.which(tool)}
    left_out = [item for item in items if any(not there.issuperset(mark.args) for mark in item.iter_markers("needs"))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    # With xdist, the first worker begins with those that wait, so that the others have the cores meanwhile.
    items.sort(key=lambda item: item.path.parent not in WAITING)
    cases: Counter[tuple[Path, str]] = Counter()
    for item in items:
        function = (item.path, getattr(item, "originalname", item.name))
        item.stash[measured_key] = not runs_elsewhere_too(item) and cases[function] < MEASURED_CASES
        cases[function] += item.stash[measured_key]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Measures what importing the application runs, but not while tests are imported: that would double the time."""
    coverage = Coverage.current()
    if coverage is None:
        return (yield)
    for module in pkgutil.walk_packages(app_package.__path__, "app."):
        importlib.import_module(module.name)
    with not_measured(coverage):
        return (yield)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    # Once more, of nothing: else a search through everything new would wait until there is a quarter as much again.
    gc.collect()
    gc.set_threshold(SEARCH_FOR_GARBAGE_AFTER)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measures no coverage in tests that run what others run: it makes everything half as long again."""
    coverage = None if item.stash[measured_key] else Coverage.current()
    if coverage is None:
        return (yield)
    # Here and not by pytest-cov's own mark, which leaves out the setup.
    with not_measured(coverage):
        return (yield)


@contextmanager
def not_measured(coverage: Coverage) -> Iterator[None]:
    """Stop measuring within the block."""
    coverage.stop()
    try:
        yield
    finally:
        coverage.start()


measured_key = pytest.StashKey[bool]()
server_key = pytest.StashKey[PostgresqlServer]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[server_key] = PostgresqlServer()


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[server_key].stop()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    # With xdist, the process that hands out the tests owns the server: it is there before the first worker and
    # outlives the last one, without any lock between them.
    node.workerinput[SERVER] = node.config.stash[server_key].url()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" not in metafunc.fixturenames:
        return
    kinds = list(databases.KINDS)
    if mark_of_one := metafunc.definition.get_closest_marker("one_database"):
        kinds = [*mark_of_one.args] or ["sqlite"]
    for mark, kind in KINDS_OF_MARKS.items():
        if metafunc.definition.get_closest_marker(mark):
            kinds = [kind]
    if metafunc.definition.get_closest_marker("both_drivers") and "postgresql" in kinds:
        kinds.append(databases.PSYCOPG)
    metafunc.parametrize("database_kind", kinds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def database_kind(request: pytest.FixtureRequest) -> str:
    """Runs the test once for each kind of database."""
    return str(request.param)


@pytest.fixture(scope="session")
def new_database(
    database_kind: str,
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
) -> NewDatabase:
    """Makes databases of the kind."""
    if database_kind == "sqlite":
        folder = tmp_path_factory.mktemp("sqlite")
        return lambda template=None: databases.new_sqlite(folder, template)
    given = getattr(pytestconfig, "workerinput", {}).get(SERVER)
    server = given or pytestconfig.stash[server_key].url()
    return lambda template=None: databases.new_postgresql(server, database_kind, template)


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """A hash that costs next to nothing: else it would take longer than all other parts of most tests."""
    with pytest.MonkeyPatch.context() as patch:
        cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(passwords, "_HASHER", cheap)
        patch.setattr(passwords, "_NOBODY", cheap.hash("nobody"))
        yield


@pytest.fixture(scope="session")
def new_app(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], AbstractContextManager[Flask]]:
    """Makes applications on the database with the given URL, whatever it holds."""

    @contextmanager
    def serving(url: str) -> Iterator[Flask]:
        app = create_app(
            Settings(
                # Its own tests have days.
                recoverable_days=0,
                home=tmp_path_factory.mktemp("home"),
                database_url=url,
                secret_key="secret-key-of-the-test-suite-0123456789",
                encryption_keys=("encryption-key-of-the-test-suite-0123456789",),
                bootstrap_token=BOOTSTRAP_TOKEN,
                agents=0,
                # Tests are as fast as they can.
                requests_per_second=0,
                organization_requests_per_second=0,
            )
        )
        app.testing = True
        watch_policy(app)
        engines = services(app).engines
        if engines.writing.dialect.name == "sqlite":
            for engine in (engines.writing, engines.reading):
                event.listen(engine, "connect", hurry)
        try:
            yield app
        finally:
            engines.dispose()

    return serving


@pytest.fixture(scope="session")
def database(
    new_database: NewDatabase,
    new_app: Callable[[str], AbstractContextManager[Flask]],
) -> Iterator[str]:
    """The URL of a database with all tables, as the migrations make them."""
    with new_database() as url:
        with new_app(url) as app, app.app_context():
            upgrade(directory=ROOT / "migrations")
        yield url


@pytest.fixture(scope="session")
def app(database: str, new_app: Callable[[str], AbstractContextManager[Flask]]) -> Iterator[Flask]:
    """The application on a database of this worker."""
    with new_app(database) as app:
        prepare_to_empty(engine_of(app))
        yield app


@pytest.fixture(scope="session")
def described(
    new_app: Callable[[str], AbstractContextManager[Flask]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Flask]:
    """An application over a database without tables, to ask what it says of itself."""
    folder: Path = tmp_path_factory.mktemp("described")
    with new_app(f"sqlite:///{folder / 'empty.sqlite3'}") as app:
        yield app


@pytest.fixture(scope="session")
def api(app: Flask) -> Api:
    """The client of the application."""
    return Api(app)


@pytest.fixture
def world(app: Flask) -> World:
    """Factories on the application's database."""
    return World(app)


@pytest.fixture
def engine(app: Flask) -> Engine:
    """The engine of the application."""
    return engine_of(app)


@pytest.fixture(autouse=True)
def clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """Empties every table after each test that uses the application."""
    if "app" not in request.fixturenames:
        yield
        return
    app = request.getfixturevalue("app")
    engine = engine_of(app)
    yield
    empty(engine)
    services(app).spare_names.clear()


@pytest.fixture
def statements(app: Flask) -> Callable[[], AbstractContextManager[list[str]]]:
    """Records the SQL within a block: ``with statements() as seen: ...``, then look at ``seen``."""

    @contextmanager
    def recording() -> Iterator[list[str]]:
        seen: list[str] = []

        def record(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            seen.append(statement)

        engines = services(app).engines
        for engine in (engines.writing, engines.reading):
            event.listen(engine, "before_cursor_execute", record)
        try:
            yield seen
        finally:
            for engine in (engines.writing, engines.reading):
                event.remove(engine, "before_cursor_execute", record)

    return recording


@cache
def tables() -> tuple[str, ...]:
    """The names of all tables, those that refer to others before these."""
    return tuple(table.name for table in reversed(Base.metadata.sorted_tables))


@cache
def filled_tables() -> str:
    """A query for the names of the tables with rows."""
    return " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in tables())  # noqa: S608 - our own names


def empty(engine: Engine) -> None:
    """Delete every row. Most tests fill a few of many tables, and to look costs less than to delete nothing."""
    with closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        if engine.dialect.name == "postgresql":
            # A transaction that the test has left open fails here, rather than to wait for it without end.
            cursor.execute(f"SET LOCAL lock_timeout = '5s'; SELECT {EMPTY}()")
            connection.commit()
        elif filled := cursor.execute(filled_tables()).fetchall():
            deletions = ";".join(f"DELETE FROM {name}" for (name,) in filled)  # noqa: S608 - our own names
            cursor.executescript(f"PRAGMA foreign_keys = OFF; BEGIN; {deletions}; COMMIT; PRAGMA foreign_keys = ON")
            if cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'").fetchone():
                # ANALYZE has made it. What it tells of this test's rows would decide the plans of later tests, also
                # after it is gone: an open connection goes on with what it knew.
                cursor.execute("DROP TABLE sqlite_stat1")
                engine.dispose()


def prepare_to_empty(engine: Engine) -> None:
    """Let PostgreSQL keep the plans of all these statements, which cost it more than to run them."""
    if engine.dialect.name == "postgresql":
        looks = "\n".join(f"IF EXISTS (SELECT 1 FROM {name}) THEN DELETE FROM {name}; END IF;" for name in tables())  # noqa: S608 - our own names
        with engine.begin() as connection:
            connection.exec_driver_sql(
                f"CREATE FUNCTION {EMPTY}() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {looks} END $$"
            )


def engine_of(app: Flask) -> Engine:
    engine = services(app).engines.writing
    assert isinstance(engine, Engine)
    return engine


def hurry(connection: Any, _record: object) -> None:
    # What a power failure would destroy is worth nothing here.
    connection.execute("PRAGMA synchronous = OFF")
    # A transaction that a test has left open fails soon, as on PostgreSQL.
    connection.execute("PRAGMA busy_timeout = 5000")
