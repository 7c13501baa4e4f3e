"""The rules of projects: their cloud provider, and deleting them."""

from collections.abc import Sequence

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Forbidden, InvalidAttribute, StillApplying
from app.models.projects import Project
from app.models.recovery import keep_project, objects_to_delete
from app.models.workspace_deletion import applying_run, delete_workspaces, lock_workspaces
from app.models.workspace_lock_holders import Released, release_locks_of
from app.models.workspaces import Workspace
from app.resources.projects.cloud_providers.catalogue import CATALOGUE
from app.storage.ledger import mark_for_deletion


class DefaultProject(Forbidden):
    """The default project can't be deleted."""

    code = "default-project"
    detail = "The default project can be renamed, but it cannot be deleted"


class ProjectNotEmpty(Forbidden):
    """A project that holds workspaces can only be deleted by force."""

    code = "project-not-empty"
    detail = "The project still contains workspaces; move or delete them first, or delete the project with force=true"


class UnknownCloudProvider(InvalidAttribute):
    """There is no cloud provider with this id."""

    code = "unknown-cloud-provider"
    pointer = "/data/relationships/cloud-provider"
    detail = "Cloud provider does not exist"


def check_cloud_provider(identifier: str | None) -> None:
    """Refuse the id of an unknown cloud provider; None is fine."""
    if identifier is not None and identifier not in CATALOGUE:
        raise UnknownCloudProvider


def delete_project(
    session: Session, project: Project, deleted_by: str | None, *, by_force: bool
) -> Sequence[Workspace]:
    """Delete the project and, by force, the workspaces in it; returns the workspaces. All can be recovered together.

    The caller has locked the project's row, so that nobody can put a workspace into it meanwhile.
    """
    if project.is_default:
        raise DefaultProject
    if not by_force:
        if session.scalar(select(exists().where(Workspace.project_id == project.id))):
            raise ProjectNotEmpty
        workspaces: Sequence[Workspace] = ()
    else:
        workspaces = lock_workspaces(session, Workspace.project_id == project.id)
        if applying := applying_run(session, workspaces):
            raise StillApplying.of(applying)
    keep_project(session, project, workspaces, deleted_by)
    if workspaces:
        delete_workspaces(session, workspaces, deleted_by, is_kept=True)
    mark_for_deletion(session, objects_to_delete("project_id", [project.id]))
    session.delete(project)
    session.flush()
    return workspaces


def release_locks_of_tokens(session: Session, project: Project) -> Released:
    """Release what the project's tokens have locked and has been moved into other projects since."""
    # Their account has the number of the project: see ``Caller.account``.
    return release_locks_of(session, "users", f"user-{project.id.partition('-')[2]}")
