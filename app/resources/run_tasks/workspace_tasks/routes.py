"""The run tasks of workspaces over HTTP (spec: run tasks)."""

from flask import Blueprint, Response

from app.authz.permissions import P
from app.jsonapi.schema import load
from app.models.run_tasks import RunTask
from app.models.workspaces import Workspace
from app.resources.run_tasks.workspace_tasks import service
from app.resources.run_tasks.workspace_tasks.listing import WORKSPACE_TASKS
from app.resources.run_tasks.workspace_tasks.schema import WorkspaceTaskSchema
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import get_visible
from app.web.requests import body

blueprint = Blueprint("workspace_tasks", __name__, url_prefix="/api/v2")


@blueprint.get("/workspaces/<workspace_id>/tasks")
@requires(P.WORKSPACE_READ)
@describes(listing=WORKSPACE_TASKS, errors=(400,))
def list_workspace_tasks(workspace_id: str) -> Response:
    """List the run tasks that the runs of a workspace ask, apart from global ones."""
    get_visible(Workspace, workspace_id)
    return WORKSPACE_TASKS.page_response({"workspace_id": workspace_id})


@blueprint.post("/workspaces/<workspace_id>/tasks")
@requires(P.WORKSPACE_READ, P.WORKSPACE_MANAGE_RUN_TASKS, P.RUN_TASK_READ)
@describes(body=WorkspaceTaskSchema, answer=WorkspaceTaskSchema, status=201, errors=(422,))
def create_workspace_task(workspace_id: str) -> Response:
    """Have the runs of a workspace ask a run task of its organization."""
    members = load(WorkspaceTaskSchema, body())
    return resource_response(service.create_workspace_task(workspace_id, members), 201)


@blueprint.get("/workspaces/<workspace_id>/tasks/<workspace_task_id>")
@requires(P.WORKSPACE_READ)
@describes(answer=WorkspaceTaskSchema)
def show_workspace_task(workspace_id: str, workspace_task_id: str) -> Response:
    """Show a run task of a workspace."""
    where = {"id": workspace_task_id, "workspace_id": workspace_id}
    return resource_response(WORKSPACE_TASKS.get_resource(where))


@blueprint.patch("/workspaces/<workspace_id>/tasks/<workspace_task_id>")
@requires(P.WORKSPACE_READ, P.WORKSPACE_MANAGE_RUN_TASKS)
@describes(body=WorkspaceTaskSchema, is_partial=True, answer=WorkspaceTaskSchema, errors=(422,))
def update_workspace_task(workspace_id: str, workspace_task_id: str) -> Response:
    """Change when a run task of a workspace is asked, and whether its no stops a run."""
    members = load(WorkspaceTaskSchema, body(), partial=True, identifier=workspace_task_id)
    return resource_response(service.update_workspace_task(workspace_id, workspace_task_id, members))


@blueprint.delete("/workspaces/<workspace_id>/tasks/<workspace_task_id>")
@requires(P.WORKSPACE_READ, P.WORKSPACE_MANAGE_RUN_TASKS)
@describes(status=204)
def destroy_workspace_task(workspace_id: str, workspace_task_id: str) -> Response:
    """Have the runs of a workspace ask a run task no more."""
    service.destroy_workspace_task(workspace_id, workspace_task_id)
    return no_content()


@blueprint.get("/tasks/<task_id>/relationships/workspace-tasks")
@requires(P.RUN_TASK_READ, P.WORKSPACE_READ)
@describes(listing=WORKSPACE_TASKS, errors=(400,))
def list_workspace_tasks_of_task(task_id: str) -> Response:
    """List where a run task is asked: in the workspaces that the caller sees."""
    task = get_visible(RunTask, task_id)
    return WORKSPACE_TASKS.page_response({"organization_id": task.organization_id, "task_id": task_id})
