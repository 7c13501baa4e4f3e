"""The files of a plan or an apply in the store."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, select

from app.jsonapi.errors import NotFound
from app.models.applies import Apply
from app.models.plans import Plan
from app.persistence import Base
from app.resources.runs.logs.addresses import FileTicket, Part

# For each part, the table and the columns with the name of the object and its key.
_COLUMNS: Final[Mapping[Part, tuple[type[Base], str, str]]] = {
    "plan-json": (Plan, "json_object", "json_key"),
    "plan-json-redacted": (Plan, "redacted_object", "redacted_key"),
    "errored-state": (Apply, "errored_state_object", "errored_state_key"),
}


def stored_file(connection: Connection, wanted: FileTicket) -> tuple[str, str]:
    """The name of the object and its sealed key; 404 if it is gone."""
    model, name, key = _COLUMNS[wanted.part]
    columns: Any = model.__table__.c
    row = connection.execute(
        select(columns[name], columns[key]).where(columns.id == wanted.phase_id, columns[name].is_not(None))
    ).one_or_none()
    if row is None:
        raise NotFound
    return row[0], row[1]
