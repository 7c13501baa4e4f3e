"""Use cases of project wipes: each checks the caller, changes in one transaction and records its event."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.errors import StillApplying
from app.models.projects import Project
from app.models.workspace_deletion import applying_run, delete_workspaces, lock_workspaces
from app.models.workspace_states import has_encrypted_state
from app.models.workspaces import Workspace
from app.resources.organizations.access_paths.standing import compare, standing
from app.resources.projects.project_wipes.operations import (
    LEFT,
    count_contents,
    delete_varsets,
    lock_varsets,
)
from app.web.context import caller
from app.web.policy import get_for_update, is_allowed
from app.web.transaction import record_event, record_events, transaction


def wipe_project(project_id: str, *, is_dry: bool) -> tuple[Mapping[str, int], Mapping[str, Any]]:
    """Delete the project's workspaces and its variable sets, unless ``is_dry``.

    Workspaces that the caller may not delete stay: a locked one, or one that manages resources, takes the permission to
    delete by force. If one stays, so do the variable sets, which apply to it. Returns how many rows of each type were
    deleted, or would be, and how many workspaces stay; in a dry run also who would lose access to workspaces.
    """
    with transaction() as session:
        project = get_for_update(session, Project, project_id, P.PROJECT_WIPE)
        may_force = is_allowed(P.WORKSPACE_FORCE_DELETE, project)
        workspaces: Sequence[Workspace] = ()
        if not is_dry:
            lock_varsets(session, project)
            workspaces = lock_workspaces(session, Workspace.project_id == project.id)
        elif not may_force:
            workspaces = session.scalars(select(Workspace).where(Workspace.project_id == project.id)).all()
        going = workspaces if may_force else _deletable(session, project, workspaces)
        left = len(workspaces) - len(going)
        counts = count_contents(session, project, [workspace.id for workspace in going] if left else None)
        if any(counts.values()) and not is_dry:
            if applying := applying_run(session, going):
                raise StillApplying.of(applying)
            delete_workspaces(session, going, caller().user_id)
            if not left:
                delete_varsets(session, project)
            record_events(session, "workspaces.delete", [(workspace, None) for workspace in going])
            record_event(
                session, "projects.wipe", project, {name: [count, 0] for name, count in counts.items() if count}
            )
        counts = {**counts, LEFT: left}
        return counts, _access(session, project, None if may_force else going) if is_dry else {}


def _access(session: Session, project: Project, going: Sequence[Workspace] | None) -> Mapping[str, Any]:
    before = standing(session.connection(), project.organization_id, [project.id])
    gone = before.workspaces.keys() if going is None else {workspace.id for workspace in going}
    return compare(before, before.without(gone)).shown()


def _deletable(session: Session, project: Project, workspaces: Sequence[Workspace]) -> Sequence[Workspace]:
    """The workspaces that the caller may delete: by force, or because that is safe."""
    its_own = Workspace.project_id == project.id
    encrypted = set(session.scalars(select(Workspace.__table__.c.id).where(its_own, has_encrypted_state())))

    def may_delete(workspace: Workspace) -> bool:
        if is_allowed(P.WORKSPACE_FORCE_DELETE, workspace):
            return True
        is_safe = not workspace.locked and not workspace.resource_count and workspace.id not in encrypted
        return is_safe and is_allowed(P.WORKSPACE_DELETE, workspace)

    return [workspace for workspace in workspaces if may_delete(workspace)]
