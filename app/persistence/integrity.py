"""The reason why a write failed: the violated constraint, or a deadlock."""

import re
from typing import Any

from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.persistence.base import Base
from app.persistence.kept import is_stale

_SQLITE_INDEX = re.compile(r"UNIQUE constraint failed: index '(?P<name>\w+)'")
_SQLITE_COLUMNS = re.compile(r"UNIQUE constraint failed: (?P<columns>[\w., ]+)")
_SQLITE_CHECK = re.compile(r"CHECK constraint failed: (?P<name>\w+)")
# A missing row and, since PostgreSQL 18, a row that can't be deleted.
_FOREIGN_KEY_STATES = frozenset({"23503", "23001"})
FOREIGN_KEY = "foreign key"
_DEADLOCK_STATE = "40P01"


def is_transient(error: DBAPIError) -> bool:
    """Whether the same transaction may succeed if it begins again. Never on SQLite.

    The database has ended it because of a deadlock, or because a prepared statement does not fit a changed table.
    """
    return is_stale(error.orig) or getattr(_diagnosis(error), "sqlstate", None) == _DEADLOCK_STATE


def violated_constraint(error: IntegrityError) -> str | None:
    """The name of the constraint or unique index that was violated, or ``FOREIGN_KEY`` for any foreign key.

    SQLite does not name foreign keys, nor unique constraints over plain columns; the latter are found in the metadata
    by their columns.
    """
    diagnosis = _diagnosis(error)
    if diagnosis is not None:
        return FOREIGN_KEY if diagnosis.sqlstate in _FOREIGN_KEY_STATES else diagnosis.constraint_name
    text = str(error.orig)
    for pattern in (_SQLITE_INDEX, _SQLITE_CHECK):
        if found := pattern.search(text):
            return found["name"]
    if found := _SQLITE_COLUMNS.search(text):
        return _unique_over(found["columns"])
    return FOREIGN_KEY if "FOREIGN KEY" in text else None


def _diagnosis(error: DBAPIError) -> Any:  # noqa: ANN401 - the driver's own type
    # PostgreSQL's diagnostics. Both drivers have them by this name, but name the fields of the error differently.
    return getattr(error.orig, "diag", None)


def _unique_over(columns: str) -> str | None:
    names = [column.strip() for column in columns.split(",")]
    table = Base.metadata.tables[names[0].partition(".")[0]]
    wanted = {name.partition(".")[2] for name in names}
    for constraint in table.constraints:
        if (
            isinstance(constraint, UniqueConstraint | PrimaryKeyConstraint)
            and {column.name for column in constraint.columns} == wanted
        ):
            return str(constraint.name)
    for index in table.indexes:
        if index.unique and {column.name for column in index.columns} == wanted:
            return str(index.name)
    return None
