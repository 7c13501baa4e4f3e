"""The options of the two engines of an application. Only this and the column types depend on the database in use."""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import URL, Connection, Engine, ExceptionContext, event

from app.persistence.kept import is_stale
from app.persistence.watching import CONNECT_SECONDS, DatabaseWatch

# How long a writer waits for another one on SQLite before "database is locked", in milliseconds. A write takes a few
# milliseconds, so thousands of writers can queue.
BUSY_TIMEOUT: Final = 20_000

# All statements are short: JIT compilation and parallel workers would cost more than they save. Times are read in UTC.
# What is prepared is planned once, without the values: planning takes longer than most statements. PostgreSQL would
# plan a page each time, because it takes an unknown LIMIT for a tenth of the table (see page_statement).
POSTGRESQL_SESSION: Final = (
    "-c timezone=UTC -c jit=off -c max_parallel_workers_per_gather=0 -c plan_cache_mode=force_generic_plan"
)

# How long a request waits for a connection of the pool.
POOL_SECONDS: Final = 5
# A host that is gone says nothing: it is noticed by what it does not acknowledge within these seconds (libpq wants the
# last one in milliseconds).
TCP: Final = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


def _dump_json(value: object) -> str:
    return orjson.dumps(value).decode()


COMMON_OPTIONS: Final[dict[str, Any]] = {
    "json_serializer": _dump_json,
    "json_deserializer": orjson.loads,
    # Errors are logged, and the parameters of a statement may include the values of variables.
    "hide_parameters": True,
}
"""The options of every engine."""


@dataclass(slots=True)
class Engines:
    """``writing`` opens transactions; ``reading`` runs each statement by itself, without BEGIN and ROLLBACK.

    Each has its own pool: changing the mode of a connection at every checkout would take longer than the statement.
    """

    writing: Engine
    reading: Engine
    losses: int = 0
    """How often a connection for reading was lost. Then so are probably those that other threads keep."""
    watch: DatabaseWatch = field(default_factory=DatabaseWatch)
    """Whether the database answers, and the limits of new connections; PostgreSQL's alone."""
    _of_thread: threading.local = field(default_factory=threading.local, init=False)

    def own_reader(self) -> Connection:
        """The reading connection that the calling thread keeps.

        To take one from the pool and to give it back would take a tenth of the time of a request.
        """
        own: _Own | None = getattr(self._of_thread, "own", None)
        if own is None or own.losses != self.losses or own.connection.closed:
            if own is not None:
                # A connection was lost meanwhile. The pool replaces this one, too.
                own.connection.close()
            own = self._of_thread.own = _Own(self.reading.connect(), self.losses)
        return own.connection

    def dispose(self, *, close: bool = True) -> None:
        """Discard all connections. After a fork do not close them, because they belong to the parent process."""
        self._of_thread.__dict__.clear()
        self.writing.dispose(close=close)
        self.reading.dispose(close=close)


@dataclass(frozen=True, slots=True)
class _Own:
    """The connection that a thread keeps until it ends."""

    connection: Connection
    losses: int

    def __del__(self) -> None:
        self.connection.close()


def writing_options(url: URL, pool_size: int) -> dict[str, Any]:
    """The options of the writing engine."""
    options: dict[str, Any] = {"pool_size": pool_size, "pool_timeout": POOL_SECONDS}
    if url.get_backend_name() == "postgresql":
        # An operator may say otherwise in the URL.
        own = {name: value for name, value in TCP.items() if name not in url.query}
        options["connect_args"] = {"options": POSTGRESQL_SESSION, **own}
    return options


def reading_options(url: URL, pool_size: int) -> dict[str, Any]:
    """The options of the reading engine. SQLite needs no mode: without BEGIN each statement is a transaction."""
    # Each thread keeps one, so there are as many as threads.
    options = writing_options(url, pool_size) | {"pool_reset_on_return": None, "max_overflow": -1}
    if url.get_backend_name() == "postgresql":
        options |= {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True}
    return options


def create_sqlite_file(url: URL) -> URL:
    """Create the file of the URL, readable only by its owner; returns the URL with the file's absolute path."""
    prefix = "file:" if (url.database or "").startswith("file:") else ""
    path = Path((url.database or "").removeprefix(prefix)).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=True)
    return url.set(database=f"{prefix}{path}")


def listen_to_sqlite(engines: Engines) -> None:
    """Configure each new connection to SQLite, and make each transaction begin as a writer."""
    event.listen(engines.writing, "begin", _begin_immediate)
    for engine in (engines.writing, engines.reading):
        event.listen(engine, "connect", _prepare_sqlite)


def replace_stale_connections(engines: Engines) -> None:
    """Replace all connections if a prepared statement does not fit a changed table: it may be on each of them."""
    for engine in (engines.writing, engines.reading):
        event.listen(engine, "handle_error", _replace_if_stale)

    def note_loss(context: ExceptionContext) -> None:
        if context.is_disconnect:
            engines.losses += 1

    event.listen(engines.reading, "handle_error", note_loss)


def watch_postgresql(engines: Engines) -> None:
    """Give up waiting for a server that does not answer."""
    for engine in (engines.writing, engines.reading):
        engines.watch.listen(engine)


def _replace_if_stale(context: ExceptionContext) -> None:
    if is_stale(context.original_exception):
        context.is_disconnect = True


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
    # The driver would open deferred transactions by itself; _begin_immediate opens them instead.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT}",
        "journal_mode = WAL",
        "foreign_keys = ON",
        # A confirmed commit must survive a loss of power, not only the end of the process.
        "synchronous = FULL",
        "cache_size = -32000",
        "temp_store = MEMORY",
        "mmap_size = 268435456",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once if another one wrote in between, whatever the busy
    # timeout; one that starts as a writer waits. Readers open no transactions: each statement is one.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
