"""The rules of projects: execution mode, deleting, moving workspaces."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Forbidden, InvalidAttribute, Unprocessable
from app.resources.organizations.model import Organization
from app.resources.projects.model import Project
from app.resources.workspaces.model import Workspace

MODE_POINTER = "/data/attributes/default-execution-mode"
POOL_POINTER = "/data/attributes/default-agent-pool-id"


class DefaultProject(Forbidden):
    """The default project stays as long as its organization."""

    code = "default-project"
    detail = "The default project can be renamed, but it cannot be deleted"


class ProjectNotEmpty(Forbidden):
    """A project that holds workspaces goes only by force."""

    code = "project-not-empty"
    detail = "The project still contains workspaces; move or delete them first, or delete the project with force=true"


class WorkspacesNotMovable(Forbidden):
    """Some of the workspaces do not exist or may not leave their project; none was moved."""

    code = "workspaces-not-movable"

    def __init__(self, identifiers: Sequence[str]) -> None:
        """The ids of those, in the words that HCP Terraform uses."""
        listed = ", ".join(identifiers)
        super().__init__(f"Workspace(s) not found, or you are not authorized to move them: {listed}")


def settle_execution_mode(members: dict[str, Any], current: str | None, inherited: str) -> dict[str, Any]:
    """The members with ``own_execution_mode`` in place of what the client said about it (spec: projects).

    A literal mode becomes the project's own, ``default`` or overwrites of ``false`` inherit again, overwrites of
    ``true`` without a mode keep the value that is in force now.
    """
    settled = dict(members)
    overwrites = settled.pop("setting_overwrites", None)
    mode = settled.pop("default_execution_mode", None)
    pool = settled.pop("default_agent_pool_id", None)
    if overwrites is False or mode == "default":
        settled["own_execution_mode"] = None
    elif mode is not None:
        settled["own_execution_mode"] = mode
    elif overwrites:
        settled["own_execution_mode"] = current or inherited
    effective = settled.get("own_execution_mode", current)
    check_agent_pool(effective, pool, mode_is_new=mode is not None)
    return settled


def check_agent_pool(mode: str | None, pool: str | None, *, mode_is_new: bool) -> None:
    """Refuse what can't be: a pool without the agent mode, the agent mode without a pool, a pool that is not there."""
    if pool and mode != "agent":
        raise Unprocessable(
            "Agent pool must not be specified unless using 'agent' execution mode", pointer=POOL_POINTER
        )
    if pool:
        raise InvalidAttribute("Default agent pool does not exist", pointer=POOL_POINTER)
    if mode == "agent" and mode_is_new:
        raise InvalidAttribute(
            "Default agent pool must be specified when using 'agent' execution mode",
            pointer=MODE_POINTER,
        )


def inherited_mode(session: Session, organization_id: str) -> str:
    """The execution mode that a project without its own one has."""
    mode = session.scalar(select(Organization.default_execution_mode).where(Organization.id == organization_id))
    return str(mode)


def delete_project(session: Session, project: Project, *, by_force: bool) -> Sequence[Workspace]:
    """Delete the project, with force also the workspaces it holds, which are returned.

    The project's row is locked by the caller: nobody can put a workspace into it meanwhile.
    """
    if project.is_default:
        raise DefaultProject
    held = select(Workspace).where(Workspace.project_id == project.id)
    if not by_force:
        if session.scalar(select(func.count()).select_from(held.limit(1).subquery())):
            raise ProjectNotEmpty
        workspaces: Sequence[Workspace] = ()
    else:
        workspaces = session.scalars(held.with_for_update()).all()
        session.execute(delete(Workspace).where(Workspace.project_id == project.id))
        for workspace in workspaces:
            session.expunge(workspace)
    session.delete(project)
    session.flush()
    return workspaces


def move_workspaces(workspaces: Sequence[Workspace], project: Project) -> Mapping[str, list[str]]:
    """Put the workspaces into the project. Where each that moved was before, by its id."""
    moved = {}
    for workspace in workspaces:
        if workspace.project_id != project.id:
            moved[workspace.id] = [workspace.project_id, project.id]
            workspace.project_id = project.id
    return moved
