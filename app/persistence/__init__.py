"""The database: declarative base, column types, ids and sets as parameters.

Import engines and sessions from ``database``: this package itself does not depend on Flask.
"""

from app.persistence.base import NAMING, Base
from app.persistence.case import case_folded, fold_case
from app.persistence.clock import database_now
from app.persistence.identifiers import identifier
from app.persistence.integrity import is_transient, violated_constraint
from app.persistence.intervals import later
from app.persistence.kept import KeptStatement
from app.persistence.sets import SEPARATOR, in_values, split_ids, string_agg, values_param
from app.persistence.types import AnyRow, Expression, Name, Timestamp, now
from app.persistence.upsert import upsert
from app.persistence.waiting import wait_for_others
from app.persistence.writes import ChangedRow, NewRow, new_row, write_rows

__all__ = [
    "NAMING",
    "SEPARATOR",
    "AnyRow",
    "Base",
    "ChangedRow",
    "Expression",
    "KeptStatement",
    "Name",
    "NewRow",
    "Timestamp",
    "case_folded",
    "database_now",
    "fold_case",
    "identifier",
    "in_values",
    "is_transient",
    "later",
    "new_row",
    "now",
    "split_ids",
    "string_agg",
    "upsert",
    "values_param",
    "violated_constraint",
    "wait_for_others",
    "write_rows",
]
