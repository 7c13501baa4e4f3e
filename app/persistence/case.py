"""Comparing texts without regard to case, the same in Python, SQLite and PostgreSQL.

The rule: the letters A to Z are equal to a to z, and every other character is equal only to itself.

This is what the ``lower`` of SQLite does, and PostgreSQL's for a column with the collation "C", such as every ``Name``.
The unique indexes over ``lower(…)`` follow it. Python's own ``str.lower`` folds more letters: it would look for
``jörg`` where the index has ``jÖrg`` for ``JÖRG``. So fold a value by ``fold_case``, and a column by ``case_folded``.
"""

from string import ascii_lowercase, ascii_uppercase
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Text, func
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import coercions, roles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from app.persistence.types import Expression

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_POSTGRESQL: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]


def fold_case(text: str) -> str:
    """The text with A to Z replaced by a to z."""
    return text.translate(_LOWER)


def case_folded(column: Expression) -> ColumnElement[str]:
    """The SQL expression for the folded value of a column; an index over ``lower(column)`` serves it."""
    type_: TypeEngine[Any] = coercions.expect(roles.ExpressionElementRole, column).type
    collation = getattr(type_.dialect_impl(_POSTGRESQL), "collation", None)
    return func.lower(column if collation == "C" else _ByCodePoint(column))


class _ByCodePoint(FunctionElement[str]):
    """The column with the collation "C" on PostgreSQL, where the cluster's own collation would fold more letters."""

    inherit_cache = True
    type = Text()


@compiles(_ByCodePoint)
def _plain(element: _ByCodePoint, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    return compiler.process(element.clauses, **options)


@compiles(_ByCodePoint, "postgresql")
def _collated(element: _ByCodePoint, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    return f'({compiler.process(element.clauses, **options)} COLLATE "C")'
