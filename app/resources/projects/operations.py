"""The rules of projects: deleting them, moving workspaces."""

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Forbidden, InvalidAttribute
from app.persistence import among, now
from app.resources.cloud_providers.catalogue import CATALOGUE
from app.resources.environments.model import Environment
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


class UnknownCloudProvider(InvalidAttribute):
    """The catalogue has no such cloud provider."""

    code = "unknown-cloud-provider"
    pointer = "/data/relationships/cloud-provider"
    detail = "Cloud provider does not exist"


def check_cloud_provider(identifier: str | None) -> None:
    """Refuse a cloud provider that the catalogue does not have; none is fine."""
    if identifier is not None and identifier not in CATALOGUE:
        raise UnknownCloudProvider


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
    condemn(session, named_by("project_id", [project.id]))
    session.delete(project)
    session.flush()
    return workspaces


def move_workspaces(
    session: Session,
    workspaces: Sequence[Workspace],
    project: Project,
) -> Mapping[str, dict[str, list[str]]]:
    """Put the workspaces into the project; what changed on each that moved, by its id.

    There a workspace is in the environment of the same name, or in the default one where there is none.
    """
    leaving = [workspace for workspace in workspaces if workspace.project_id != project.id]
    if not leaving:
        return {}
    old_ids = {workspace.environment_id for workspace in leaving}
    environments = session.execute(
        select(
            Environment.id, Environment.project_id, func.lower(Environment.name).label("name"), Environment.is_default
        )
        .where(or_(Environment.project_id == project.id, among(Environment.__table__.c.id, old_ids)))
        .order_by(Environment.id)
        .with_for_update(read=True, key_share=True),
    ).all()
    names = {row.id: row.name for row in environments}
    there = {row.name: row.id for row in environments if row.project_id == project.id}
    default = next(row.id for row in environments if row.project_id == project.id and row.is_default)
    moved = {}
    for workspace in leaving:
        environment_id = there.get(names[workspace.environment_id], default)
        moved[workspace.id] = {
            "project": [workspace.project_id, project.id],
            "project-environment": [workspace.environment_id, environment_id],
        }
        workspace.project_id, workspace.environment_id = project.id, environment_id
        workspace.updated_at = now()
    return moved
