"""Finds the workspace or version that a request is about, for callers who may use its states."""

from functools import cache
from typing import Any

from sqlalchemy import Row, Select, bindparam, select

from app.authz.permissions import P
from app.models.state_versions import StateVersion
from app.models.workspaces import Workspace
from app.persistence import Base
from app.web.policy import get_narrowed


def workspace_for(workspace_id: str, permission: P) -> Row[Any]:
    """The id of the workspace and of its current version; 404 when the caller lacks the permission on it."""
    return _only(Workspace, workspace_id, permission, Workspace.__table__.c.current_state_version_id)


def version_for(version_id: str, permission: P) -> Row[Any]:
    """The id of the version; 404 when the caller lacks the permission on it."""
    return _only(StateVersion, version_id, permission)


def _only(model: type[Base], identifier: str, permission: P, *columns: Any) -> Row[Any]:  # noqa: ANN401 - columns
    return get_narrowed(_columns_of(model, columns), permission, model, {"wanted_id": identifier})


@cache
def _columns_of(model: type[Base], columns: tuple[Any, ...]) -> Select[Any]:
    key = model.__table__.c.id
    return select(key, *columns).where(key == bindparam("wanted_id"))
