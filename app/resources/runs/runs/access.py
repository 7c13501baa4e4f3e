"""Finds the run that a request is about."""

from typing import Any, Final

from sqlalchemy import Row, bindparam, select

from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.models.runs import Run
from app.web.context import reader
from app.web.policy import narrowed

_COLUMNS: Final = Run.__table__.c
_RUN: Final = select(_COLUMNS.id, _COLUMNS.workspace_id, _COLUMNS.configuration_version_id).where(
    _COLUMNS.id == bindparam("wanted_id")
)


def run_for(run_id: str, permission: P) -> Row[Any, Any, Any]:
    """The id of the run and of its workspace; 404 when the caller lacks the permission on it."""
    found, parameters = narrowed(_RUN, permission, Run)
    row = reader().execute(found, {"wanted_id": run_id, **parameters}).one_or_none()
    if row is None:
        raise NotFound
    return row
