"""How the two engines of an application are set up. Beside the column types, only this asks which database it is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import URL, Connection, Engine, event

# How long a writer waits for another one on SQLite before "database is locked", in milliseconds. Writes take a few
# milliseconds each, so this is a queue of thousands.
BUSY_TIMEOUT: Final = 20_000

# Statements here are short: they never repay a JIT compilation or the start of other processes. Times are read in UTC.
POSTGRESQL_SESSION: Final = "-c timezone=UTC -c jit=off -c max_parallel_workers_per_gather=0"


def _dump_json(value: object) -> str:
    return orjson.dumps(value).decode()


COMMON_OPTIONS: Final[dict[str, Any]] = {
    "json_serializer": _dump_json,
    "json_deserializer": orjson.loads,
    # Errors go to the log, and what a statement writes may be the value of somebody's variable.
    "hide_parameters": True,
}
"""The options of every engine."""


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


def writing_options(url: URL, pool_size: int) -> dict[str, Any]:
    """The options of the writing engine."""
    options: dict[str, Any] = {"pool_size": pool_size}
    if url.get_backend_name() == "postgresql":
        options["connect_args"] = {"options": POSTGRESQL_SESSION}
    return options


def reading_options(url: URL, pool_size: int) -> dict[str, Any]:
    """The options of the reading engine. SQLite has no mode for it: without a BEGIN each statement stands alone."""
    options = writing_options(url, pool_size) | {"pool_reset_on_return": None}
    if url.get_backend_name() == "postgresql":
        options |= {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True}
    return options


def place_sqlite(url: URL) -> URL:
    """The URL with the absolute path of its file, which is there from now on and which only its owner can read."""
    prefix = "file:" if (url.database or "").startswith("file:") else ""
    path = Path((url.database or "").removeprefix(prefix)).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=True)
    return url.set(database=f"{prefix}{path}")


def listen_to_sqlite(engines: Engines) -> None:
    """Set each connection to SQLite as it is opened, and let each transaction begin as a writer."""
    event.listen(engines.writing, "begin", _begin_immediate)
    for engine in (engines.writing, engines.reading):
        event.listen(engine, "connect", _prepare_sqlite)


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
