"""Background tasks over HTTP, for administrators of the site."""

from flask import Blueprint, Response

from app.authz.permissions import P
from app.resources.platform.background_tasks import service
from app.resources.platform.background_tasks.listing import BACKGROUND_TASKS, counts
from app.resources.platform.background_tasks.schema import BackgroundTaskSchema
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import require_on_site

blueprint = Blueprint("background_tasks", __name__, url_prefix="/api/v2/admin/background-tasks")


@blueprint.get("")
@requires(P.BACKGROUND_TASK_MANAGE)
@describes(listing=BACKGROUND_TASKS, errors=(400,))
def list_background_tasks() -> Response:
    """List what the service has still to do, and what it has given up; `meta` counts all of them by status."""
    require_on_site(P.BACKGROUND_TASK_MANAGE)
    return BACKGROUND_TASKS.page_response({}, meta={"counts": counts()})


@blueprint.get("/<task_id>")
@requires(P.BACKGROUND_TASK_MANAGE)
@describes(answer=BackgroundTaskSchema)
def show_background_task(task_id: str) -> Response:
    """Show a background task."""
    return resource_response(BACKGROUND_TASKS.get_resource({"id": task_id}))


@blueprint.post("/<task_id>/actions/retry")
@requires(P.BACKGROUND_TASK_MANAGE)
@describes(answer=BackgroundTaskSchema, errors=(409,))
def retry_background_task(task_id: str) -> Response:
    """Have a task done now that is dead or waits, with as many attempts as a new one has."""
    return resource_response(service.retry_background_task(task_id))


@blueprint.delete("/<task_id>")
@requires(P.BACKGROUND_TASK_MANAGE)
@describes(status=204, errors=(409,))
def destroy_background_task(task_id: str) -> Response:
    """Give a task up: it is not done any more. If a worker does it just now, what it changes here is dropped."""
    service.destroy_background_task(task_id)
    return no_content()
