"""Task stages over HTTP (spec: task stages)."""

from flask import Blueprint, Response, request

from app.authz.permissions import P
from app.jsonapi.query import includes_of
from app.resources.runs.comments.requests import COMMENT_BODY, sent_comment
from app.resources.runs.policy_evaluations.listing import POLICY_EVALUATIONS
from app.resources.runs.runs.access import run_for
from app.resources.runs.task_stages import service
from app.resources.runs.task_stages.includes import INCLUDES, including
from app.resources.runs.task_stages.listing import TASK_STAGES
from app.resources.runs.task_stages.schema import TaskStageSchema
from app.web.answers import resource_response
from app.web.guard import describes, requires

blueprint = Blueprint("task_stages", __name__, url_prefix="/api/v2")


@blueprint.get("/runs/<run_id>/task-stages")
@requires(P.RUN_READ, P.WORKSPACE_READ)
@describes(listing=TASK_STAGES, includes=INCLUDES, errors=(400,))
def list_task_stages(run_id: str) -> Response:
    """List the stages of a run in which policies or run tasks have a say, in their order."""
    run_for(run_id, P.RUN_READ)
    return TASK_STAGES.page_response({"run_id": run_id}, include=including(includes_of(request.args, INCLUDES)))


@blueprint.get("/task-stages/<stage_id>")
@requires(P.RUN_READ, P.WORKSPACE_READ)
@describes(answer=TaskStageSchema, includes=INCLUDES, errors=(400,))
def show_task_stage(stage_id: str) -> Response:
    """Show a stage of a run."""
    include = including(includes_of(request.args, INCLUDES))
    row = TASK_STAGES.get({"id": stage_id})
    shown = TASK_STAGES.to_resource(row)
    return resource_response(shown, included=include([row], [shown]) if include else None)


@blueprint.get("/task-stages/<stage_id>/policy-evaluations")
@requires(P.RUN_READ)
@describes(listing=POLICY_EVALUATIONS, errors=(400,))
def list_policy_evaluations(stage_id: str) -> Response:
    """List what the policies of a stage say: one evaluation for each kind of policies."""
    TASK_STAGES.get({"id": stage_id})
    return POLICY_EVALUATIONS.page_response({"task_stage_id": stage_id})


@blueprint.post("/task-stages/<stage_id>/actions/override")
@requires(P.RUN_READ, P.RUN_OVERRIDE_POLICIES, P.WORKSPACE_MANAGE_RUN_TASKS, P.RUN_APPLY, P.RUN_TASK_MANAGE)
@describes(body=COMMENT_BODY, answer=TaskStageSchema, errors=(409, 422))
def override_task_stage(stage_id: str) -> Response:
    """Let a run go on although policies or run tasks of the stage say no: for those who may override each of these."""
    return resource_response(service.override(stage_id, sent_comment()))
