"""Finds the run that a request is about."""

from typing import Any

from sqlalchemy import Row, select

from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.models.runs import Run
from app.web.context import reader
from app.web.policy import mark_policy_checked, visible


def run_for(run_id: str, permission: P) -> Row[Any, Any, Any]:
    """The id of the run and of its workspace; 404 when the caller lacks the permission on it."""
    mark_policy_checked(permission)
    columns = Run.__table__.c
    query = select(columns.id, columns.workspace_id, columns.configuration_version_id)
    row = reader().execute(query.where(columns.id == run_id, visible(permission, Run))).one_or_none()
    if row is None:
        raise NotFound
    return row
