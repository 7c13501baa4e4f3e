"""Statements that are kept: compiled once, and then given straight to the driver.

SQLAlchemy finds the text of a statement in its cache, but does much else for each execution. For a statement that reads
a few rows by an index, that takes longer than the rest. ``KeptStatement`` lets SQLAlchemy compile the statement, keeps
the text with the functions that convert parameters and columns, and executes it on the driver's own connection.
Connections, pools, transactions, events and errors stay SQLAlchemy's.

PostgreSQL prepares the statement on each connection that executes it, and so plans it once for each.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import count
from typing import Any, Final, cast

from sqlalchemy import BindParameter, Connection, Dialect, Insert, Select, Update
from sqlalchemy.dialects.postgresql.base import PGCompiler
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.exc import CompileError, MultipleResultsFound
from sqlalchemy.sql.compiler import SQLCompiler

from app.persistence.types import AnyRow

# How many statements a connection keeps prepared: each takes memory of the server, and clients choose the filters.
PREPARED_STATEMENTS: Final = 100

# Errors of PostgreSQL about what was prepared: it is gone, or a migration has changed the type of one of its columns.
_STALE: Final = frozenset({"26000", "0A000"})
_PREPARED: Final = "prepared"

Convert = Callable[[Any], Any] | None
Send = Callable[[Connection, Any, str, tuple[Any, ...]], None]
"""Executes a text with arguments on a cursor of the connection."""


class KeptStatement:
    """A statement that is executed often, with other values for its parameters each time.

    A parameter gets its value when the statement is executed, unless it has one in the statement. The rows are named
    tuples.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]] | Insert | Update) -> None:
        """Keep the statement. It is compiled when it is first executed."""
        self.statement = statement
        # By driver: an application has one, but the tests have several.
        self._compiled: dict[str, _Compiled] = {}

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[AnyRow]:
        """All rows that the statement finds with these values for its parameters."""
        return self._for(connection).all(connection, values)

    def write(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Execute a statement that writes and gives no rows."""
        self._for(connection).execute(connection, values)

    def _for(self, connection: Connection) -> "_Compiled":
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.driver)
        if compiled is None:
            compiled = self._compiled[dialect.driver] = _Compiled(self.statement, dialect)
        return compiled

    def one_or_none(self, connection: Connection, values: Mapping[str, Any]) -> AnyRow | None:
        """The row that the statement finds, or None."""
        rows = self.all(connection, values)
        if len(rows) > 1:
            raise MultipleResultsFound("a statement that finds at most one row has found several")
        return rows[0] if rows else None


class _Compiled:
    """A statement in the form in which one of the drivers takes it."""

    def __init__(self, statement: Select[*tuple[Any, ...]] | Insert | Update, dialect: Dialect) -> None:
        compiler, compiling, self._cursor, self._send = _DRIVERS[dialect.driver]
        compiled = compiler(compiling or dialect, statement)
        self._text = str(compiled)
        self._parameters = [_parameter(compiled.binds[name], dialect) for name in compiled.positiontup or ()]
        # Those whose value is told at each execution, such as the moment.
        self._called = [(each.key, each.callable) for each in compiled.binds.values() if each.callable is not None]
        self._gives_rows = isinstance(statement, Select)
        columns = statement.selected_columns if isinstance(statement, Select) else ()
        self._types = [column.type for column in columns]
        self._make_row = _row_maker([column.key or "" for column in columns])
        self._conversions: list[tuple[int, Callable[[Any], Any]]] | None = None

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[AnyRow]:
        make_row = self._make_row
        description, rows = self.execute(connection, values)
        conversions = self._conversions
        if conversions is None:
            conversions = self._conversions = self._converted(connection.dialect, description)
        if not conversions:
            return list(map(make_row, rows))
        found = []
        for each in rows:
            converted = list(each)
            for index, convert in conversions:
                converted[index] = convert(converted[index])
            found.append(make_row(converted))
        return found

    def execute(self, connection: Connection, values: Mapping[str, Any]) -> tuple[Any, list[Any]]:
        """The driver's description of the columns, and the rows."""
        text = self._text
        if self._called:
            values = {**values, **{name: tell() for name, tell in self._called}}
        arguments = tuple(
            [
                own if name is None else values[name] if convert is None else convert(values[name])
                for name, convert, own in self._parameters
            ]
        )
        if not connection.in_transaction():
            connection.begin()
        cursor = None
        for listener in connection.dispatch.before_cursor_execute:
            listener(*(connection, cursor, text, arguments, None, False))
        try:
            cursor = self._cursor(connection)
            self._send(connection, cursor, text, arguments)
            rows = cursor.fetchall() if self._gives_rows else []
        except Exception as error:  # noqa: BLE001 - SQLAlchemy knows which are the driver's
            # It wraps the error, closes the cursor and discards a broken connection, and has no public name.
            connection._handle_dbapi_exception(error, text, arguments, cursor, None)  # noqa: SLF001
        for listener in connection.dispatch.after_cursor_execute:
            listener(*(connection, cursor, text, arguments, None, False))
        description = cursor.description
        # Not when it is collected: that may happen in another thread, which would wait for this connection's statement.
        cursor.close()
        return description, rows

    def _converted(self, dialect: Dialect, description: Any) -> list[tuple[int, Callable[[Any], Any]]]:  # noqa: ANN401
        """The positions of the columns whose values the driver returns in another form, with what converts them."""
        assert len(description) == len(self._types)
        found = [
            (index, type_.dialect_impl(dialect).result_processor(dialect, described[1]))
            for index, (type_, described) in enumerate(zip(self._types, description, strict=True))
        ]
        return [(index, convert) for index, convert in found if convert is not None]


def _row_maker(names: Iterable[str]) -> Callable[[Iterable[Any]], AnyRow]:
    row_type: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]  # noqa: PYI024 - made at run time
    return cast("Callable[[Iterable[Any]], AnyRow]", row_type._make)


def _parameter(parameter: BindParameter[Any], dialect: Dialect) -> tuple[str | None, Convert, Any]:
    """The name of the value that is given for the parameter and what converts it, or the parameter's own value."""
    convert = parameter.type.dialect_impl(dialect).bind_processor(dialect)
    if parameter.required:
        return parameter.key, convert, None
    if parameter.callable is not None:
        return parameter.key, convert, None
    own = parameter.value
    return None, None, own if convert is None else convert(own)


class _WithOwnValues(SQLCompiler):
    """Writes the values that parameters have in the statement into its text, so that its plan can rest on them.

    A partial index would not be used for a parameter.
    """

    def visit_bindparam(self, bindparam: BindParameter[Any], **options: Any) -> str:  # type: ignore[override]  # noqa: ANN401
        visit: Callable[..., str] = super().visit_bindparam
        if not bindparam.required and bindparam.callable is None:
            # Some types have no form as text.
            with suppress(CompileError):
                return visit(bindparam, **{**options, "literal_binds": True})
        if bindparam.expanding:
            raise CompileError("the text of a kept statement can't depend on the number of values: use in_values")
        return visit(bindparam, **options)


class _SQLiteCompiler(_WithOwnValues, SQLiteCompiler):
    pass


class _PGCompiler(_WithOwnValues, PGCompiler):
    pass


# --- SQLite ---------------------------------------------------------------------------------------------------------


def _cursor(connection: Connection) -> Any:  # noqa: ANN401 - the driver's own
    return connection.connection.cursor()


def _by_pysqlite(_connection: Connection, cursor: Any, text: str, arguments: tuple[Any, ...]) -> None:  # noqa: ANN401
    # The driver itself keeps the statements that it has prepared.
    cursor.execute(text, arguments)


# --- PostgreSQL -----------------------------------------------------------------------------------------------------


_NUMBERED: Final = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
"""Names the parameters $1, $2 and so on, as the server does, each with its type."""

_numbers = count(1)


def _by_psycopg2(connection: Connection, cursor: Any, text: str, arguments: tuple[Any, ...]) -> None:  # noqa: ANN401
    prepared: dict[str, str] = connection.connection.info.setdefault(_PREPARED, {})
    execute = prepared.pop(text, None)
    if execute is None:
        name = f"kept_{next(_numbers)}"
        cursor.execute(f"PREPARE {name} AS {text}")
        execute = f"EXECUTE {name}" + (f" ({', '.join(['%s'] * len(arguments))})" if arguments else "")
        if len(prepared) >= PREPARED_STATEMENTS:
            oldest = prepared.pop(next(iter(prepared)))
            cursor.execute(f"DEALLOCATE {oldest.split()[1]}")
    # Those that are used stay: the first is the one that was not used for the longest time.
    prepared[text] = execute
    cursor.execute(execute, arguments)


def _raw_cursor(connection: Connection) -> Any:  # noqa: ANN401
    return connection.dialect.loaded_dbapi.RawCursor(connection.connection.dbapi_connection)


def _by_psycopg(_connection: Connection, cursor: Any, text: str, arguments: tuple[Any, ...]) -> None:  # noqa: ANN401
    cursor.execute(text, arguments, prepare=True)


def _again_if_stale(send: Send) -> Send:
    """The function, called again if what was prepared can't be used any more."""

    def sent(connection: Connection, cursor: Any, text: str, arguments: tuple[Any, ...]) -> None:  # noqa: ANN401
        try:
            send(connection, cursor, text, arguments)
        except Exception as error:
            if not is_stale(error):
                raise
            pooled = connection.connection
            if not pooled.dbapi_connection.autocommit:  # type: ignore[union-attr]
                # The transaction has failed: see ``replace_stale_connections``.
                raise
            pooled.info.pop(_PREPARED, None)
            cursor.execute("DEALLOCATE ALL")
            send(connection, cursor, text, arguments)

    return sent


def is_stale(error: BaseException | None) -> bool:
    """Whether the error says that a prepared statement is gone or does not fit its tables any more."""
    return getattr(getattr(error, "diag", None), "sqlstate", None) in _STALE


_DRIVERS: Final[Mapping[str, tuple[type[SQLCompiler], Dialect | None, Callable[[Connection], Any], Send]]] = {
    "pysqlite": (_SQLiteCompiler, None, _cursor, _by_pysqlite),
    "psycopg2": (_PGCompiler, _NUMBERED, _cursor, _again_if_stale(_by_psycopg2)),
    "psycopg": (_PGCompiler, _NUMBERED, _raw_cursor, _again_if_stale(_by_psycopg)),
}
