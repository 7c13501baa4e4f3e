"""Limits how often an action is allowed: sliding windows over rows in the database, shared by all hosts.

A throttle has a table with a row for each action, and its limits as data. Rows that no longer count are deleted when
the next one is registered.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, delete, func, select, union_all
from sqlalchemy.orm import Session

from app.persistence import Base, in_values, now


@dataclass(frozen=True)
class Limit:
    """At most ``maximum`` rows in the window may have the same values in these columns."""

    columns: tuple[str, ...]
    maximum: int


@dataclass(frozen=True)
class Throttle:
    """The rows of the model's table that are younger than ``window`` count towards the limits.

    Limits over several columns can be checked only for one row at a time.
    """

    model: type[Base]
    window: timedelta
    limits: Sequence[Limit]

    @property
    def _table(self) -> Table:
        return Base.metadata.tables[self.model.__tablename__]

    def register(self, session: Session, rows: Sequence[Mapping[str, str]]) -> None:
        """Insert these rows, which count from now on, and delete those that no longer count."""
        session.execute(delete(self._table).where(self._table.c.created_at <= now() - self.window))
        session.execute(self._table.insert(), list(rows))

    def delay(self, source: Connection | Session, rows: Sequence[Mapping[str, str]], *, registered: int = 0) -> int:
        """How many seconds to wait until the action that the rows stand for is allowed; 0 if it is allowed now.

        ``registered`` is how many of the counted rows stand for this action itself.
        """
        moment = now()
        reached = union_all(*(self._reached(limit, rows, moment, registered) for limit in self.limits))
        oldest: list[datetime] = [row[0] for row in source.execute(reached)]
        if not oldest:
            return 0
        return max(1, math.ceil((max(oldest) + self.window - moment).total_seconds()))

    def undo(self, session: Session, **values: str) -> None:
        """Delete the rows with these values in their columns, so that they don't count."""
        session.execute(delete(self._table).where(*(self._table.c[name] == value for name, value in values.items())))

    def _reached(
        self, limit: Limit, rows: Sequence[Mapping[str, str]], moment: datetime, registered: int
    ) -> Select[Any]:
        """The time of the oldest row that counts, for each of the values that has reached the limit."""
        columns = [self._table.c[name] for name in limit.columns]
        return (
            select(func.min(self._table.c.created_at))
            .where(
                *(_one_of(column, {row[column.name] for row in rows}) for column in columns),
                self._table.c.created_at > moment - self.window,
            )
            .group_by(*columns)
            .having(func.count() >= limit.maximum + registered)
        )


def _one_of(column: Column[str], values: set[str]) -> ColumnElement[bool]:
    # ``in_values`` can't hold an empty text, and the address of a client may be unknown.
    return column == next(iter(values)) if len(values) == 1 else in_values(column, values)
