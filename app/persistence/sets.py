"""Conditions over a set of values that is sent as one parameter.

``IN (?, ?, …)`` has one parameter for each value. Its text changes with the number of values, so prepared statements
can't be reused, and PostgreSQL accepts at most 65,535 parameters. One parameter with all values avoids both.
"""

from collections.abc import Iterable
from typing import Any, Self

import orjson
from sqlalchemy import (
    BindParameter,
    Boolean,
    Case,
    ColumnElement,
    Dialect,
    FromClause,
    ScalarSelect,
    SQLColumnExpression,
    Text,
    and_,
    bindparam,
    func,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine

# The control character that is meant for this; no name or id contains it.
SEPARATOR = "\x1f"


class TextValues(TypeDecorator[Iterable[str]]):
    """A parameter that holds a set of texts, none of them empty."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Send one text to both databases; the statement splits it."""
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Iterable[str] | None, dialect: Dialect) -> Any:  # noqa: ANN401 - per dialect
        """The values as the one text that the statement of this database splits."""
        # Values that can't be sent are left out, because they match nothing: no id or name is empty, which PostgreSQL
        # would split into no value, or contains the separator, which would split it into several.
        values = [each for each in value or () if each and SEPARATOR not in each]
        # Not an array, because the driver would check each value of it for quoting.
        return SEPARATOR.join(values) if dialect.name == "postgresql" else orjson.dumps(values).decode()


class _InValues(FunctionElement[bool]):
    """``column`` is one of the values of a ``TextValues`` parameter."""

    inherit_cache = True
    type = Boolean()

    def self_group(self, against: OperatorType | None = None) -> Self:  # noqa: ARG002 - SQLAlchemy's own
        """Return itself, without parentheses: it binds like ``IN``, and ``(…) = 1`` could not use an index."""
        return self


@compiles(_InValues)
def _in_json_list(element: _InValues, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    column, values = element.clauses
    tested = compiler.process(column, **options)
    # Both parts are compiled expressions; the values themselves are a parameter.
    return f"{tested} IN (SELECT value FROM json_each({compiler.process(values, **options)}))"  # noqa: S608


@compiles(_InValues, "postgresql")
def _equals_any(element: _InValues, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    column, values = element.clauses
    tested = compiler.process(column, **options)
    # As a subquery, the set is split once; otherwise it would be split again for each row that a subquery reads.
    return f"{tested} = ANY ((SELECT string_to_array({compiler.process(values, **options)}, E'\\x1f'))::text[])"


class _InManyValues(_InValues):
    """The same by a hash table, without an index of the column."""

    inherit_cache = True


@compiles(_InManyValues, "postgresql")
def _in_hash_table(element: _InValues, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    column, values = element.clauses
    tested = compiler.process(column, **options)
    return f"{tested} IN (SELECT unnest(string_to_array({compiler.process(values, **options)}, E'\\x1f')))"


def values_param(name: str) -> BindParameter[Iterable[str]]:
    """A named parameter for a set of texts, given when the statement is executed."""
    return bindparam(name, type_=TextValues(), unique=False)


def in_values(
    column: SQLColumnExpression[Any], values: Iterable[str] | BindParameter[Iterable[str]], *, are_many: bool = False
) -> ColumnElement[bool]:
    """The condition that ``column`` has one of ``values``. It is never true for an empty set.

    A column of the form ``CASE WHEN condition THEN value END`` is replaced by the condition and the value, which can
    use an index. So don't negate the result: for such a column it is false, not null, where the column is null.

    Where no index of the column helps, PostgreSQL compares each row with one value after the other. If ``are_many``, it
    looks the row's value up in a hash table instead, and uses no index.
    """
    if (only_case := _only_case(column)) is not None:
        holds, value = only_case
        return and_(holds, in_values(value, values, are_many=are_many))
    parameter = values if isinstance(values, BindParameter) else bindparam(None, list(values), type_=TextValues())
    return _InManyValues(column, parameter) if are_many else _InValues(column, parameter)


def _only_case(column: SQLColumnExpression[Any]) -> tuple[ColumnElement[bool], ColumnElement[Any]] | None:
    # The attribute of a model wraps its column.
    expression = getattr(column, "expression", column)
    if not isinstance(expression, Case) or expression.value is not None or expression.else_ is not None:
        return None
    return expression.whens[0] if len(expression.whens) == 1 else None


def string_agg(
    column: SQLColumnExpression[str], condition: ColumnElement[bool], order: SQLColumnExpression[Any], outer: FromClause
) -> ScalarSelect[Any]:
    """All texts of a column, in order, as one text with ``SEPARATOR`` between them; null if there are none.

    ``condition`` refers to a row of ``outer``, and the texts are collected for that row.
    """
    # Both databases aggregate the rows in the order of the subquery.
    ordered = select(column.label("text")).where(condition).order_by(order).correlate(outer).subquery()
    return select(func.aggregate_strings(ordered.c.text, SEPARATOR)).scalar_subquery()


def split_ids(texts: Iterable[str | None]) -> set[str]:
    """All ids in texts that ``string_agg`` has made."""
    return {each for text in texts if text for each in text.split(SEPARATOR)}
