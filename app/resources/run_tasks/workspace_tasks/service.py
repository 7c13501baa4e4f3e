"""Use cases of workspaces' run tasks: each checks the caller, changes in one transaction and records its event."""

from typing import Any, Final

from sqlalchemy import func, select

from app.authz.permissions import P
from app.jsonapi.errors import InvalidAttribute, Unprocessable
from app.models.run_tasks import RunTask, WorkspaceTask
from app.models.task_stages import POST_PLAN
from app.models.workspaces import Workspace
from app.persistence import now
from app.resources.run_tasks.workspace_tasks.listing import WORKSPACE_TASKS
from app.web.listing import ResourceObject
from app.web.policy import get_for_update, visible
from app.web.transaction import apply_changes, created_changes, record_event, transaction

MAXIMUM: Final = 20


class TooManyWorkspaceTasks(Unprocessable):
    """The workspace asks as many run tasks as are allowed."""

    code = "too-many-workspace-tasks"
    pointer = "/data"
    detail = f"A workspace can't have more than {MAXIMUM} run tasks"


def create_workspace_task(workspace_id: str, members: dict[str, Any]) -> ResourceObject:
    """Have the runs of a workspace ask a run task of its organization."""
    columns = {"stages": [POST_PLAN], **_columns(members)}
    with transaction() as session:
        workspace = get_for_update(session, Workspace, workspace_id, P.WORKSPACE_MANAGE_RUN_TASKS, share_lock=True)
        known = select(RunTask.id).where(
            RunTask.__table__.c.id == columns["task_id"],
            RunTask.organization_id == workspace.organization_id,
            visible(P.RUN_TASK_READ, RunTask),
        )
        if session.scalar(known) is None:
            raise InvalidAttribute(
                "Task must be a run task of the workspace's organization", pointer="/data/relationships/task"
            )
        count = select(func.count()).select_from(WorkspaceTask).where(WorkspaceTask.workspace_id == workspace_id)
        if (session.scalar(count) or 0) >= MAXIMUM:
            raise TooManyWorkspaceTasks
        link = WorkspaceTask(organization_id=workspace.organization_id, workspace_id=workspace_id, **columns)
        session.add(link)
        session.flush()
        record_event(session, "workspace-tasks.create", link, created_changes(columns))
        return WORKSPACE_TASKS.get_resource({"id": link.id}, session)


def update_workspace_task(workspace_id: str, link_id: str, members: dict[str, Any]) -> ResourceObject:
    """Change when a run task is asked, and whether its no stops a run. Runs that exist already go on as before."""
    with transaction() as session:
        link = get_for_update(
            session, WorkspaceTask, link_id, P.WORKSPACE_MANAGE_RUN_TASKS, where={"workspace_id": workspace_id}
        )
        columns = _columns(members)
        if columns.pop("task_id", link.task_id) != link.task_id:
            raise InvalidAttribute(
                "Task can't be changed; add the other one, and remove this", pointer="/data/relationships/task"
            )
        changes = apply_changes(link, columns)
        if changes:
            link.updated_at = now()
            session.flush()
            record_event(session, "workspace-tasks.update", link, changes)
        session.flush()
        return WORKSPACE_TASKS.get_resource({"id": link_id}, session)


def destroy_workspace_task(workspace_id: str, link_id: str) -> None:
    """Have the runs of a workspace ask a run task no more."""
    with transaction() as session:
        link = get_for_update(
            session, WorkspaceTask, link_id, P.WORKSPACE_MANAGE_RUN_TASKS, where={"workspace_id": workspace_id}
        )
        session.delete(link)
        record_event(session, "workspace-tasks.delete", link, {"task-id": [link.task_id, None]})


def _columns(members: dict[str, Any]) -> dict[str, Any]:
    columns = {name: value for name, value in members.items() if name != "stage"}
    if "stage" in members:
        columns.setdefault("stages", [members["stage"]])
    return columns
