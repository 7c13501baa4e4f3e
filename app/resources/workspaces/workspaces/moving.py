"""Moving workspaces from project to project."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from app.authz.permissions import P
from app.jsonapi.errors import Forbidden
from app.models.environments import Environment
from app.models.projects import Project
from app.models.workspaces import Workspace
from app.persistence import case_folded, in_values, now


class WorkspacesNotMovable(Forbidden):
    """Some of the workspaces do not exist or may not leave their project. None was moved."""

    code = "workspaces-not-movable"

    def __init__(self, identifiers: Sequence[str]) -> None:
        """Put the ids of those workspaces into the detail, in the words of HCP Terraform."""
        listed = ", ".join(identifiers)
        super().__init__(f"Workspace(s) not found, or you are not authorized to move them: {listed}")


class WorkspacesNotReadable(Forbidden):
    """In the new project the caller would read variables or states that they may not read now. None was moved."""

    code = "workspaces-not-readable"

    def __init__(self, identifiers: Sequence[str]) -> None:
        """Put the ids of those workspaces into the detail."""
        listed = ", ".join(identifiers)
        super().__init__(
            "In the new project you would read variables or states that you may not read now, "
            f"so you are not authorized to move: {listed}"
        )


# What nobody may gain by moving a workspace.
SECRETS = (P.VARIABLE_READ, P.STATE_READ, P.STATE_READ_OUTPUTS)


def move_workspaces(
    session: Session,
    workspaces: Sequence[Workspace],
    project: Project,
) -> Mapping[str, dict[str, list[str]]]:
    """Move the workspaces into the project; returns what changed on each one that moved, by id.

    Each workspace gets the environment of the same name there, or else the default one.
    """
    leaving = [workspace for workspace in workspaces if workspace.project_id != project.id]
    if not leaving:
        return {}
    destinations = _environments_there(session, {workspace.environment_id for workspace in leaving}, project)
    moved = {}
    for workspace in leaving:
        environment_id = destinations[workspace.environment_id]
        moved[workspace.id] = {
            "project": [workspace.project_id, project.id],
            "project-environment": [workspace.environment_id, environment_id],
        }
        workspace.project_id, workspace.environment_id = project.id, environment_id
        workspace.updated_at = now()
    return moved


def _environments_there(session: Session, left: Collection[str], project: Project) -> Mapping[str, str]:
    """Map the id of each old environment to the one in the new project, locked until the transaction ends.

    The old environments need no lock: they can't be deleted while they hold a workspace, and the workspaces are
    locked. Locking them as well could deadlock with a request that deletes one of them.
    """
    old, there = aliased(Environment), aliased(Environment)
    found = session.execute(
        select(old.id, there.id)
        .join(there, or_(case_folded(there.name) == case_folded(old.name), there.is_default))
        .where(in_values(old.id, left), there.project_id == project.id)
        # The default one first, so that one of the same name, if there is any, overrides it.
        .order_by(there.is_default.desc(), there.id)
        .with_for_update(of=there, read=True, key_share=True),
    )
    return dict(found.all())
