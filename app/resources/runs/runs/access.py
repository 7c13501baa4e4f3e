"""Finds the run that a request is about."""

from typing import Any, Final

from sqlalchemy import Row, bindparam, select

from app.authz.permissions import P
from app.models.runs import Run
from app.web.policy import get_narrowed

_COLUMNS: Final = Run.__table__.c
_RUN: Final = select(_COLUMNS.id, _COLUMNS.workspace_id, _COLUMNS.configuration_version_id).where(
    _COLUMNS.id == bindparam("wanted_id")
)


def run_for(run_id: str, permission: P) -> Row[Any]:
    """The id of the run and of its workspace; 404 when the caller lacks the permission on it."""
    return get_narrowed(_RUN, permission, Run, {"wanted_id": run_id})
