"""Column types that behave the same on SQLite and PostgreSQL."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, SQLColumnExpression, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

Expression = SQLColumnExpression[Any]
"""A column of a model or a table, or an expression over columns."""

AnyRow = Any
"""An object with columns as attributes: an entity, or a row of a listing, whose columns no type describes."""


def now() -> datetime:
    """The current time in UTC, cut to the milliseconds that the API shows."""
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


class Timestamp(TypeDecorator[datetime]):
    """A time in UTC. SQLite has no time zones: there the naive UTC value is stored and made aware again."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """``timestamptz`` where there is one."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times; they would mean a different time on each machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a timestamp must carry a time zone"
            raise ValueError(message)
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Nothing to do for PostgreSQL, so that no value costs a call."""
        return None if dialect.name == "postgresql" else super().result_processor(dialect, coltype)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's own
        """Aware UTC from SQLite. PostgreSQL returns it, because its session runs in UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


# Names are compared and sorted by code point on both databases, whatever the locale of the PostgreSQL cluster.
Name = Text().with_variant(Text(collation="C"), "postgresql")
