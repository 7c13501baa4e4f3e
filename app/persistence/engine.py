"""The two engines of the service. The only place, beside the column types, that asks which database it is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, create_engine, event, make_url

# How long a writer waits for another one on SQLite before "database is locked", in milliseconds. Writes take a few
# milliseconds each, so this is a queue of thousands.
BUSY_TIMEOUT = 20_000


@dataclass(frozen=True, slots=True)
class Engines:
    """``writing`` opens transactions; ``reading`` runs each statement by itself, without BEGIN and ROLLBACK.

    Each has a pool of its own: a connection that changed its mode at every checkout would spend more on that than on
    the statement.
    """

    writing: Engine
    reading: Engine

    def dispose(self, *, close: bool = True) -> None:
        """Forget all connections. After a fork do not close them, because they belong to the parent process."""
        self.writing.dispose(close=close)
        self.reading.dispose(close=close)


def connect_engines(url: str, pool_size: int) -> Engines:
    """The engines for this URL; they connect when they are first used."""
    options: dict[str, Any] = {
        "json_serializer": _dump_json,
        "json_deserializer": orjson.loads,
        "pool_size": pool_size,
        # Errors go to the log, and what a statement writes may be the value of somebody's variable.
        "hide_parameters": True,
    }
    if make_url(url).get_backend_name() == "sqlite":
        _restrict(url)
        writing = create_engine(url, **options)
        event.listen(writing, "begin", _begin_immediate)
        reading = create_engine(url, pool_reset_on_return=None, **options)
        for engine in (writing, reading):
            event.listen(engine, "connect", _prepare_sqlite)
        return Engines(writing, reading)
    # These short statements never repay a JIT compilation or the start of other processes; times are read back in UTC.
    options["connect_args"] = {"options": "-c timezone=UTC -c jit=off -c max_parallel_workers_per_gather=0"}
    writing = create_engine(url, **options)
    reading = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        pool_reset_on_return=None,
        **options,
    )
    return Engines(writing, reading)


def _dump_json(value: object) -> str:
    return orjson.dumps(value).decode()


def _restrict(url: str) -> None:
    """Let only the owner read the files of the embedded database."""
    database = make_url(url).database
    if database and database != ":memory:":
        path = Path(database)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
    # The driver would open deferred transactions by itself; _begin_immediate does it instead.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT}",
        "journal_mode = WAL",
        "foreign_keys = ON",
        # A commit that was answered must survive the loss of power, not only of the process.
        "synchronous = FULL",
        "cache_size = -32000",
        "temp_store = MEMORY",
        "mmap_size = 268435456",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once when another one wrote in between, however long
    # the busy timeout; one that starts as a writer waits for its turn. Readers begin nothing: a statement stands alone.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
