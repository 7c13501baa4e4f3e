"""Times that lie a duration after others, computed by the database."""

from datetime import datetime
from typing import Any

from sqlalchemy import SQLColumnExpression
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

from app.persistence.types import Timestamp


class _Later(FunctionElement[datetime]):
    """``moment`` and the ``duration`` after it; null if one of them is."""

    inherit_cache = True
    type = Timestamp()


@compiles(_Later)
def _by_modifier(element: _Later, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - the compiler's own
    moment, duration = (compiler.process(each, **options) for each in element.clauses)
    unit = f"CASE substr({duration}, -1) WHEN 'd' THEN ' days' ELSE ' hours' END"
    modifier = f"'+' || substr({duration}, 1, length({duration}) - 1) || {unit}"
    # In the form in which SQLAlchemy stores a time, with microseconds.
    return f"strftime('%Y-%m-%d %H:%M:%f000', {moment}, {modifier})"


@compiles(_Later, "postgresql")
def _by_interval(element: _Later, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - the compiler's own
    moment, duration = (compiler.process(each, **options) for each in element.clauses)
    return f"({moment} + CAST({duration} AS interval))"


def later(moment: SQLColumnExpression[Any], duration: SQLColumnExpression[Any]) -> ColumnElement[datetime]:
    """The time that lies a duration such as ``14d`` or ``2h`` after the moment; null if one of them is null."""
    return _Later(moment, duration)
