"""The rules of projects: deleting them, moving workspaces."""

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Forbidden
from app.persistence import now
from app.resources.projects.model import Project
from app.resources.workspaces.model import Workspace
from app.storage.ledger import condemn, named_by


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
        # Always in the same order, as who moves workspaces does: two can't lock each other out.
        workspaces = session.scalars(held.order_by(Workspace.id).with_for_update()).all()
        condemn(session, named_by("workspace_id", [workspace.id for workspace in workspaces]))
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
            workspace.updated_at = now()
    return moved
