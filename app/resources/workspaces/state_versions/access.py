"""Finds the workspace or version that a request is about, for callers who may use its states."""

from typing import Any

from sqlalchemy import Row, select

from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.models.state_versions import StateVersion
from app.models.workspaces import Workspace
from app.persistence import Base
from app.web.context import reader
from app.web.policy import mark_policy_checked, visible


def workspace_for(workspace_id: str, permission: P) -> Row[Any]:
    """The id of the workspace and of its current version; 404 when the caller lacks the permission on it."""
    return _only(Workspace, workspace_id, permission, Workspace.__table__.c.current_state_version_id)


def version_for(version_id: str, permission: P) -> Row[Any]:
    """The id of the version; 404 when the caller lacks the permission on it."""
    return _only(StateVersion, version_id, permission)


def _only(model: type[Base], identifier: str, permission: P, *columns: Any) -> Row[Any]:  # noqa: ANN401 - columns
    mark_policy_checked(permission)
    key = model.__table__.c.id
    query = select(key, *columns).where(key == identifier, visible(permission, model))
    row = reader().execute(query).one_or_none()
    if row is None:
        raise NotFound
    return row
