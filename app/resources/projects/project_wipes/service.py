"""Use cases of project wipes: each checks the caller, changes in one transaction and records its event."""

from collections.abc import Mapping, Sequence

from app.authz.permissions import P
from app.models.projects import Project
from app.models.workspace_deletion import delete_workspaces, lock_workspaces
from app.models.workspaces import Workspace
from app.resources.projects.project_wipes.operations import (
    count_contents,
    delete_varsets,
    lock_varsets,
)
from app.web.policy import get_for_update
from app.web.transaction import record_event, record_events, transaction


def wipe_project(project_id: str, *, is_dry: bool) -> Mapping[str, int]:
    """Delete the project's workspaces, even locked ones, and its variable sets, unless ``is_dry``.

    Returns how many rows of each type were deleted, or would be.
    """
    with transaction() as session:
        project = get_for_update(session, Project, project_id, P.PROJECT_WIPE)
        workspaces: Sequence[Workspace] = ()
        if not is_dry:
            lock_varsets(session, project)
            workspaces = lock_workspaces(session, Workspace.project_id == project.id)
        counts = count_contents(session, project)
        if any(counts.values()) and not is_dry:
            delete_workspaces(session, workspaces)
            delete_varsets(session, project)
            record_events(session, "workspaces.delete", [(workspace, None) for workspace in workspaces])
            record_event(
                session, "projects.wipe", project, {name: [count, 0] for name, count in counts.items() if count}
            )
        return counts
