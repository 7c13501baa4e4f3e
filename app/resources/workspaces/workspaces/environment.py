"""The environment and cell of a workspace in its project."""

from typing import Any, Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.errors import ApiError, Conflict, NotFound, Unprocessable
from app.models.environments import Environment
from app.models.workspaces import Workspace
from app.persistence import KeptStatement
from app.web.policy import is_allowed, visible
from app.web.transaction import CHANGED_MEANWHILE

_OF_PROJECT: Final = (
    select(Environment.id)
    .where(Environment.project_id == bindparam("project_id"))
    .with_for_update(read=True, key_share=True)
)
_DEFAULT: Final = KeptStatement(_OF_PROJECT.where(Environment.is_default))


class UnknownEnvironment(Unprocessable):
    """The project has no such environment, or the caller can't see it."""

    code = "unknown-project-environment"
    pointer = "/data/relationships/project-environment"
    detail = "The project has no such environment"


def resolve_environment(
    session: Session,
    members: dict[str, Any],
    project_id: str,
    current: Workspace | None = None,
) -> dict[str, Any]:
    """Remove environment and cell from ``members`` and return them as columns.

    A new workspace gets the default environment. The environment can't be deleted until the transaction ends.
    """
    location = {"cell": members.pop("cell")} if "cell" in members else {}
    is_given = "environment_id" in members
    wanted = members.pop("environment_id", None)
    if current is not None and (not is_given or wanted == current.environment_id):
        # A caller who may change the workspace may send its current environment, even one that they can't see.
        return location
    values = {"project_id": project_id}
    if wanted is None:
        found = _DEFAULT.one_or_none(session.connection(), values)
    else:
        named = _OF_PROJECT.where(Environment.id == wanted, visible(P.ENVIRONMENT_READ, Environment))
        found = session.connection().execute(named, values).one_or_none()
    if found is None and wanted is not None:
        raise UnknownEnvironment
    if found is None:
        # Every project has a default environment: either the project was deleted, or its default has just changed.
        raise NotFound if current is None else Conflict(CHANGED_MEANWHILE)
    return {**location, "environment_id": found.id}


def require_may_create(workspace: Workspace, refused: ApiError) -> None:
    """Refuse, with this error, a project, environment and cell where the caller may not create workspaces."""
    if not is_allowed(P.PROJECT_CREATE_WORKSPACE, workspace):
        raise refused
