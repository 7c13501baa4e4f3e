"""Grants that end by themselves: roles in projects, access of teams, and entries of access lists.

One that has ended counts nowhere from that moment, though its row stays until a background task removes it.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, Index, or_, text

from app.persistence import AnyRow, database_now, now

# By the clock of the database, which all hosts share; and a statement has no further parameter for it.
MOMENT: Final = database_now()
_ENDS: Final = text("expires_at IS NOT NULL")


def is_in_force(model: Any) -> ColumnElement[bool]:  # noqa: ANN401 - a model, or its table's columns
    """The condition that the grant has not ended."""
    return or_(model.expires_at.is_(None), model.expires_at > MOMENT)


def has_expired(model: Any) -> ColumnElement[bool]:  # noqa: ANN401 - likewise
    """The condition that it has ended."""
    expired: ColumnElement[bool] = model.expires_at <= MOMENT
    return expired


def has_ended(row: AnyRow) -> bool:
    """Whether this one has ended."""
    return row.expires_at is not None and row.expires_at <= now()


def expiry_index(table: str) -> Index:
    """The index that finds what has ended; few grants end at all."""
    return Index(f"ix_{table}_expires_at", "expires_at", postgresql_where=_ENDS, sqlite_where=_ENDS)
