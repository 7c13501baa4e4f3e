"""The rules of workspaces: inheritance from the project, deleting safely."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Conflict, NotFound, Unprocessable
from app.resources.organizations.model import Organization
from app.resources.projects.model import Project
from app.resources.workspaces.model import Workspace


class WorkspaceLocked(Conflict):
    """A locked workspace is not deleted safely. Clients look for the word."""

    code = "workspace-locked"
    detail = "Workspace is currently locked. Workspace must be unlocked before it can be safely deleted"


class WorkspaceManagesResources(Conflict):
    """A workspace whose state holds resources is not deleted safely."""

    code = "workspace-manages-resources"
    detail = "Workspace cannot be safely deleted because it is still managing resources"


def settle_operations(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members with the older ``operations`` read as an execution mode; not both in one request."""
    settled = dict(members)
    operations = settled.pop("operations", None)
    if operations is None:
        return settled
    if "execution_mode" in settled:
        raise Unprocessable(
            "Operations and execution mode can't be set together",
            pointer="/data/attributes/operations",
        )
    return {**settled, "execution_mode": "remote" if operations else "local"}


def settle_auto_destroy(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members with the duration as the workspace's own or the project's (spec: workspaces, update).

    A duration is an own one; null takes it away, after which the project's counts again, unless the client says in
    the same request that the workspace does not inherit.
    """
    settled = dict(members)
    if settled.get("inherits_project_auto_destroy") is True:
        settled.pop("auto_destroy_activity_duration", None)
        return {**settled, "own_auto_destroy_activity_duration": None}
    if "auto_destroy_activity_duration" in settled:
        duration = settled.pop("auto_destroy_activity_duration")
        settled["own_auto_destroy_activity_duration"] = duration
        settled.setdefault("inherits_project_auto_destroy", duration is None)
    return settled


def mode_of_project(session: Session, project_id: str) -> str:
    """The execution mode that the project's workspaces without one of their own have."""
    mode = session.scalars(
        select(func.coalesce(Project.own_execution_mode, Organization.default_execution_mode))
        .join(Organization, Organization.id == Project.organization_id)
        .where(Project.id == project_id),
    ).one_or_none()
    if mode is None:  # it was deleted since the caller saw it
        raise NotFound
    return mode


def check_safe_to_delete(workspace: Workspace) -> None:
    """Refuse a workspace that is locked or manages anything."""
    if workspace.locked:
        raise WorkspaceLocked
    if workspace.resource_count:
        raise WorkspaceManagesResources
