"""Run tasks of an organization over HTTP (spec: run tasks)."""

from flask import Blueprint, Response, request

from app.authz.permissions import P
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.resources.run_tasks.tasks import service
from app.resources.run_tasks.tasks.includes import INCLUDES, including
from app.resources.run_tasks.tasks.listing import TASKS
from app.resources.run_tasks.tasks.schema import TaskSchema
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import organization_or_404
from app.web.requests import body

blueprint = Blueprint("tasks", __name__, url_prefix="/api/v2")


@blueprint.get("/organizations/<organization>/tasks")
@requires(P.RUN_TASK_READ, P.WORKSPACE_READ)
@describes(listing=TASKS, includes=INCLUDES, errors=(400,))
def list_tasks(organization: str) -> Response:
    """List the run tasks of an organization."""
    org = organization_or_404(organization, P.RUN_TASK_READ)
    include = including(includes_of(request.args, INCLUDES))
    return TASKS.page_response({"organization_id": org.id}, include=include)


@blueprint.post("/organizations/<organization>/tasks")
@requires(P.RUN_TASK_READ, P.RUN_TASK_MANAGE, P.WORKSPACE_READ)
@describes(body=TaskSchema, answer=TaskSchema, status=201, errors=(422, 429))
def create_task(organization: str) -> Response:
    """Add a run task. Unless it is disabled, its address must answer a request with a status of success, else 422."""
    org = organization_or_404(organization, P.RUN_TASK_MANAGE)
    return resource_response(service.create_task(load(TaskSchema, body()), org), 201)


@blueprint.get("/tasks/<task_id>")
@requires(P.RUN_TASK_READ, P.WORKSPACE_READ)
@describes(answer=TaskSchema, includes=INCLUDES, errors=(400,))
def show_task(task_id: str) -> Response:
    """Show a run task, without its key."""
    include = including(includes_of(request.args, INCLUDES))
    row = TASKS.get_complete({"id": task_id})
    shown = TASKS.to_resource(row)
    return resource_response(shown, included=include([row], [shown]) if include else None)


@blueprint.patch("/tasks/<task_id>")
@requires(P.RUN_TASK_READ, P.RUN_TASK_MANAGE, P.WORKSPACE_READ)
@describes(body=TaskSchema, is_partial=True, answer=TaskSchema, errors=(422, 429))
def update_task(task_id: str) -> Response:
    """Change a run task; attributes that are left out stay as they are."""
    members = load(TaskSchema, body(), partial=True, identifier=task_id)
    return resource_response(service.update_task(task_id, members))


@blueprint.delete("/tasks/<task_id>")
@requires(P.RUN_TASK_READ, P.RUN_TASK_MANAGE)
@describes(status=204)
def destroy_task(task_id: str) -> Response:
    """Delete a run task, also from the workspaces that ask it."""
    service.destroy_task(task_id)
    return no_content()
