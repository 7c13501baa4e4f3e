"""Inserts rows as the session would, for a third of the time: most tests spend most of theirs on the rows they need."""

from collections.abc import Callable, Iterable
from contextlib import closing
from functools import cache, partial
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Dialect, Insert, Table, insert, inspect
from sqlalchemy.orm import Mapper, make_transient_to_detached

from app.persistence import Base


class Given(NamedTuple):
    """What the function of a default may ask: the values that the row has so far."""

    values: dict[str, Any]

    def get_current_parameters(self) -> dict[str, Any]:
        return self.values


class Plan(NamedTuple):
    """How rows of a table are inserted, and what else the session would do."""

    statement: Insert
    columns: tuple[tuple[str, str, Callable[[Given], Any]], ...]
    """Attribute, column, and what makes its default."""
    is_whole: bool
    """No value comes from the database, so that the entity knows its whole row without reading it."""
    relationships: frozenset[str]


@cache
def _plan(model: type[Base]) -> Plan:
    mapper: Mapper[Any] = inspect(model)
    table = mapper.local_table
    assert isinstance(table, Table)
    columns: list[tuple[str, str, Callable[[Given], Any]]] = []
    is_whole = True
    for attribute in mapper.column_attrs:
        column = attribute.columns[0]
        if column.table is not table:
            continue
        default: Any = column.default
        if column.computed is not None or (default is None and column.server_default is not None):
            is_whole = False
        elif default is None:
            columns.append((attribute.key, column.key, _nothing))
        elif default.is_callable:
            columns.append((attribute.key, column.key, default.arg))
        else:
            assert default.is_scalar, f"{column} has a default that only the session can use"
            columns.append((attribute.key, column.key, partial(_same, default.arg)))
    return Plan(insert(table), tuple(columns), is_whole, frozenset(mapper.relationships.keys()))


class DriverInsert(NamedTuple):
    """The same statement in the words of the driver: to ask SQLAlchemy for each row would take most of the time."""

    statement: str
    values: tuple[tuple[str, str, Callable[[Any], Any] | None], ...]
    """Column, attribute, and what makes the driver's value of it, in the order of the statement."""


_driver_inserts: WeakKeyDictionary[Dialect, dict[type[Base], DriverInsert]] = WeakKeyDictionary()


def _nothing(_given: Given) -> None:
    return None


def _same(value: object, _given: Given) -> object:
    return value


def can_insert(entity: Base) -> bool:
    """Whether the entity is new, knows its whole row once it is inserted, and brings no other one along."""
    plan = _plan(type(entity))
    state = inspect(entity)
    return state.transient and plan.is_whole and plan.relationships.isdisjoint(state.dict)


def complete(entity: Base) -> None:
    """Give the entity its id and its other defaults, so that other rows can refer to it before it is inserted."""
    # Not set as attributes: nobody asks what has changed in an entity that is as new as its row.
    there = inspect(entity).dict
    for attribute, _column, make in _plan(type(entity)).columns:
        if attribute not in there:
            there[attribute] = make(Given(there))


def _driver_insert(model: type[Base], dialect: Dialect) -> DriverInsert:
    known = _driver_inserts.setdefault(dialect, {})
    if model not in known:
        plan = _plan(model)
        compiled = plan.statement.compile(dialect=dialect, column_keys=[column for _, column, _ in plan.columns])
        attributes = {column: attribute for attribute, column, _ in plan.columns}
        types = {column.key: column.type.dialect_impl(dialect) for column in plan.statement.table.columns}
        known[model] = DriverInsert(
            str(compiled),
            tuple(
                (column, attributes[column], types[column].bind_processor(dialect))
                for column in getattr(compiled, "positiontup", None) or compiled.params
            ),
        )
    return known[model]


def insert_rows(connection: Connection, entities: Iterable[Base]) -> None:
    """Insert the rows in this order; the entities are then like those of a session that was closed."""
    dialect = connection.dialect
    with closing(connection.connection.cursor()) as cursor:
        for entity in entities:
            complete(entity)
            there = inspect(entity).dict
            statement, values = _driver_insert(type(entity), dialect)
            sent = {
                column: there[attribute] if process is None else process(there[attribute])
                for column, attribute, process in values
            }
            cursor.execute(statement, tuple(sent.values()) if dialect.positional else sent)
            make_transient_to_detached(entity)
