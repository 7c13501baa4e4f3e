"""The clock of the database, which all hosts share."""

from datetime import datetime
from typing import Any

from sqlalchemy import Float, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from app.persistence.types import Expression, Timestamp


class _DatabaseNow(FunctionElement[datetime]):
    """The time of the statement, and some seconds later."""

    inherit_cache = True
    type = Timestamp()


def database_now(later: float | Expression = 0.0) -> _DatabaseNow:
    """The time at which the statement begins, by the clock of the database, and so many seconds later."""
    return _DatabaseNow(literal(later, Float()) if isinstance(later, int | float) else later)


@compiles(_DatabaseNow)
def _as_text(element: _DatabaseNow, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    # SQLite compares times as texts: the same form as that of the column, with six digits after the point.
    later = compiler.process(element.clauses, **options)
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', ({later}) || ' seconds')"


@compiles(_DatabaseNow, "postgresql")
def _as_timestamp(element: _DatabaseNow, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    return f"(statement_timestamp() + make_interval(secs => {compiler.process(element.clauses, **options)}))"
