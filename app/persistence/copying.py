"""Reading all rows at one moment, and writing them into an empty database of either kind.

A row is a list of texts, numbers, truths and nulls, the same on both databases: a time is the text that SQLite
keeps, in UTC, and JSON is its text, unread.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    Connection,
    DateTime,
    Text,
    cast,
    column,
    func,
    inspect,
    select,
    table,
    text,
    type_coerce,
)

from app.persistence.engine import Engines

Values = list[Any]

# So many rows are in memory at once: a piece of a log or the resources of a state can have a hundred kilobytes.
ROWS_AT_ONCE: Final = 200
# A copy takes as long as it takes; bounds of requests don't count.
WITHOUT_BOUNDS: Final = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


def is_postgresql(connection: Connection) -> bool:
    """Whether the database is PostgreSQL; the other one is SQLite."""
    return connection.dialect.name == "postgresql"


@contextmanager
def snapshot(engines: Engines) -> Iterator[Connection]:
    """A connection whose statements all see the database as it is at the beginning, and that keeps no writer waiting.

    SQLite's own copy of a file would begin anew whenever another process writes; a reader of its log does not.
    """
    if engines.reading.dialect.name == "postgresql":
        with engines.writing.connect() as connection:
            one_view = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with one_view.begin():
                without_bounds(one_view)
                yield one_view
        return
    with engines.reading.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        try:
            # The view begins with the first read.
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
            yield connection
        finally:
            connection.exec_driver_sql("ROLLBACK")


@contextmanager
def reading_at_one_moment(engines: Engines) -> Iterator[None]:
    """All that this thread reads within the block, by its own connection for reading, is as it is at the beginning."""
    own = engines.own_reader()
    own.exec_driver_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if is_postgresql(own) else "BEGIN")
    try:
        without_bounds(own)
        # The view begins with the first read.
        own.execute(select(func.count()).select_from(text("alembic_version")))
        yield
        if engines.own_reader() is not own:
            raise ConnectionError("the connection to the database was lost meanwhile")
    finally:
        if not own.closed:
            own.exec_driver_sql("ROLLBACK")


def without_bounds(connection: Connection) -> None:
    """Let this transaction take as long as it takes."""
    if is_postgresql(connection):
        for bound in WITHOUT_BOUNDS:
            connection.exec_driver_sql(f"SET LOCAL {bound} = 0")


def columns_of(connection: Connection, names: Iterable[str]) -> dict[str, list[str]]:
    """The names of the columns of each of these tables, as the database has them."""
    inspector = inspect(connection)
    return {name: [str(each["name"]) for each in inspector.get_columns(name)] for name in names}


def rows_of(connection: Connection, name: str) -> Iterator[Sequence[Values]]:
    """All rows of the table, in no order, some at a time."""
    described = inspect(connection).get_columns(name)
    shown = (
        _as_plain(column(each["name"], each["type"]), on_postgresql=is_postgresql(connection)) for each in described
    )
    source = table(name, *(column(each["name"]) for each in described))
    result = connection.execute(select(*shown).select_from(source), execution_options={"yield_per": ROWS_AT_ONCE})
    for some in result.partitions():
        yield [[*row] for row in some]


def _as_plain(value: ColumnElement[Any], *, on_postgresql: bool) -> ColumnElement[Any]:
    if isinstance(value.type, DateTime) and on_postgresql:
        return func.to_char(func.timezone("UTC", value), text("'YYYY-MM-DD HH24:MI:SS.US'"))
    if isinstance(value.type, JSON) and on_postgresql:
        return cast(value, Text)
    return value if isinstance(value.type, Boolean) else type_coerce(value, Text)


@contextmanager
def filling(engines: Engines) -> Iterator[Connection]:
    """A transaction that writes rows in any order; it fails at its end if a row refers to one that is not there."""
    with engines.writing.connect() as connection:
        if is_postgresql(connection):
            with connection.begin():
                without_bounds(connection)
                yield connection
            return
        # Straight to the driver: within a transaction the pragma has no effect, and the engine opens one at once.
        driver = connection.connection.cursor()
        driver.execute("PRAGMA foreign_keys = OFF")
        try:
            with connection.begin():
                yield connection
                if dangling := dangling_rows(connection):
                    raise ValueError(f"rows of {', '.join(dangling)} refer to rows that are not there")
        finally:
            driver.execute("PRAGMA foreign_keys = ON")
            driver.close()


def dangling_rows(connection: Connection) -> list[str]:
    """The tables with rows that refer to rows that are not there; PostgreSQL lets nobody write such rows."""
    if is_postgresql(connection):
        return []
    return sorted({str(row[0]) for row in connection.exec_driver_sql("PRAGMA foreign_key_check")})


def write_rows_of(connection: Connection, name: str, columns: Sequence[str], rows: Iterable[Sequence[Values]]) -> None:
    """Write the rows into the table, by the fastest way that the database has; those referred to must be there."""
    quote = connection.dialect.identifier_preparer.quote
    listed = f"{quote(name)} ({', '.join(map(quote, columns))})"
    if not is_postgresql(connection):
        statement = f"INSERT INTO {listed} VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - names of our own tables
        for some in rows:
            connection.exec_driver_sql(statement, [tuple(row) for row in some])
        return
    # One statement for the whole table: PostgreSQL looks at its end whether all that rows refer to is there.
    statement = f"COPY {listed} FROM STDIN"
    lines = ("".join(map(_as_line, some)).encode() for some in rows)
    cursor = connection.connection.cursor()
    try:
        if connection.dialect.driver == "psycopg":
            with cursor.copy(statement) as copy:
                for piece in lines:
                    copy.write(piece)
        else:
            cursor.copy_expert(statement, io.BufferedReader(_Pieces(lines), 1 << 16))
    finally:
        cursor.close()


def refresh_statistics(engines: Engines) -> None:
    """Let PostgreSQL plan with the rows that are there now, rather than in a minute."""
    if engines.writing.dialect.name == "postgresql":
        with engines.writing.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("ANALYZE")


def _escaped(value: str) -> str:
    if "\\" in value or "\n" in value or "\t" in value or "\r" in value:
        return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return value


_FORMS: Final[Mapping[type, Callable[[Any], str]]] = {
    str: _escaped,
    int: str,
    float: repr,
    bool: lambda value: "t" if value else "f",
    type(None): lambda _value: "\\N",
}


def _as_line(row: Values) -> str:
    return "\t".join([_FORMS[type(value)](value) for value in row]) + "\n"


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a file, for a driver that reads one."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - the interpreter's own
        while not self._rest:
            following = next(self._pieces, None)
            if following is None:
                return 0
            self._rest = following
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
