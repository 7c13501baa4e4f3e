"""Writing several rows at once: by one statement on PostgreSQL, by one for each table on SQLite.

This is for rows that are written often: the unit of work of a session would cost more than the database, and so would
building the statements. A statement is built once for each combination of tables and columns.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Insert, Table, Update, bindparam, inspect

from app.persistence.base import Base
from app.persistence.kept import KeptStatement

# How many statements are kept: code decides which columns are written, so there are few.
KEPT = 512
KEY = "written_id"


class NewRow(NamedTuple):
    """A row to insert, with the values of its columns."""

    table: Table
    values: Mapping[str, Any]


class ChangedRow(NamedTuple):
    """A row to update, with its id and the new values of some columns. Columns with ``onupdate`` need a value, too."""

    table: Table
    values: Mapping[str, Any]
    id: str


_Shape = tuple[bool, Table, tuple[str, ...]]
"""Whether the row is new, its table, and the columns that get values."""


def new_row(entity: Base) -> NewRow:
    """The row of a new entity, which stays outside any session. The entity gets its id and all other defaults."""
    given = vars(entity)
    values: dict[str, Any] = {}
    for attribute, column in _columns(type(entity)):
        if attribute in given:
            values[column.name] = given[attribute]
        elif column.default is not None:
            value = column.default.arg(None) if column.default.is_callable else column.default.arg  # type: ignore[attr-defined]
            values[column.name] = value
            # Not by setattr, which would note a change for a flush that never comes.
            given[attribute] = value
        elif column.server_default is None:
            values[column.name] = None
    return NewRow(type(entity).metadata.tables[entity.__tablename__], values)


@cache
def _columns(model: type[Base]) -> tuple[tuple[str, Column[Any]], ...]:
    """The columns of the table with the names of their attributes, which may differ."""
    mapper = inspect(model)
    table = model.metadata.tables[model.__tablename__]
    return tuple((mapper.get_property_by_column(column).key, column) for column in table.columns)


def write_rows(connection: Connection, *rows: NewRow | ChangedRow) -> None:
    """Write the rows in this order. A row may refer to those before it; none may be written twice."""
    if connection.dialect.name == "postgresql":
        _joined(tuple(map(_shape, rows))).write(connection, _parameters(rows))
        return
    for _, alike in groupby(rows, _shape):
        group = tuple(alike)
        for some in [group] if isinstance(group[0], NewRow) else [(row,) for row in group]:
            _joined(tuple(map(_shape, some))).write(connection, _parameters(some))


def _shape(row: NewRow | ChangedRow) -> _Shape:
    return isinstance(row, NewRow), row.table, tuple(row.values)


@lru_cache(maxsize=KEPT)
def _joined(shapes: tuple[_Shape, ...]) -> KeptStatement:
    statements: list[Insert | Update] = []
    numbered = enumerate(shapes)
    for (is_new, table, names), group in groupby(numbered, itemgetter(1)):
        numbers = [number for number, _ in group]
        if is_new:
            statements.append(table.insert().values([_values(number, table, names) for number in numbers]).inline())
        else:
            statements += [
                table.update()
                .where(table.c.id == bindparam(f"{KEY}_{number}", type_=table.c.id.type))
                .values(_values(number, table, names))
                for number in numbers
            ]
    *others, last = statements
    # PostgreSQL executes them all, and checks foreign keys at the end of the whole statement.
    return KeptStatement(last.add_cte(*(each.cte(f"write_{number}") for number, each in enumerate(others))))


def _values(number: int, table: Table, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: bindparam(f"{name}_{number}", type_=table.c[name].type) for name in names}


def _parameters(rows: tuple[NewRow | ChangedRow, ...]) -> dict[str, Any]:
    parameters = {f"{name}_{number}": value for number, row in enumerate(rows) for name, value in row.values.items()}
    for number, row in enumerate(rows):
        if isinstance(row, ChangedRow):
            parameters[f"{KEY}_{number}"] = row.id
    return parameters
