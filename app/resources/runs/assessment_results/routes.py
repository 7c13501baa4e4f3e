"""Assessments over HTTP (spec: assessment results)."""

from urllib.parse import urlencode

from flask import Blueprint, Response, request

from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.models.assessment_results import AssessmentResult
from app.resources.runs.assessment_results import service
from app.resources.runs.assessment_results.listing import ASSESSMENT_RESULTS
from app.resources.runs.assessment_results.schema import AssessmentResultSchema
from app.resources.runs.logs.addresses import file_address, log_address
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.resources.workspaces.workspaces.schema import WorkspaceSchema
from app.web.answers import redirected, resource_response
from app.web.guard import describes, requires
from app.web.policy import require

blueprint = Blueprint("assessment_results", __name__, url_prefix="/api/v2")


@blueprint.post("/workspaces/<workspace_id>/actions/assess")
@requires(P.WORKSPACE_READ, P.WORKSPACE_UPDATE, P.RUN_PLAN)
@describes(answer=WorkspaceSchema, errors=(409, 422))
def assess_workspace(workspace_id: str) -> Response:
    """Assess the workspace now: a plan-only run looks whether anything has drifted, and whether the checks hold."""
    service.assess_workspace(workspace_id)
    return resource_response(WORKSPACES.get_resource({"id": workspace_id}))


@blueprint.get("/workspaces/<workspace_id>/current-assessment-result")
@requires(P.WORKSPACE_READ, P.RUN_READ)
@describes(answer=AssessmentResultSchema)
def show_current_assessment_result(workspace_id: str) -> Response:
    """Show what the last assessment of a workspace has found; 404 if there was none."""
    current = WORKSPACES.get({"id": workspace_id}).current_assessment_result_id
    if current is None:
        raise NotFound
    return resource_response(ASSESSMENT_RESULTS.get_resource({"id": current}))


@blueprint.get("/assessment-results/<result_id>")
@requires(P.RUN_READ)
@describes(answer=AssessmentResultSchema)
def show_assessment_result(result_id: str) -> Response:
    """Show what an assessment has found."""
    return resource_response(ASSESSMENT_RESULTS.get_resource({"id": result_id}))


@blueprint.get("/assessment-results/<result_id>/json-output")
@requires(P.RUN_READ, P.RUN_APPLY, P.WORKSPACE_UPDATE)
@describes(status=307)
def show_json_output_of_assessment(result_id: str) -> Response:
    """Redirect to the plan of an assessment as JSON, with all its values. For administrators who may apply."""
    row = ASSESSMENT_RESULTS.get({"id": result_id})
    require(P.WORKSPACE_UPDATE, row, AssessmentResult)
    require(P.RUN_APPLY, row, AssessmentResult)
    if row.json_object is None:
        raise NotFound
    return redirected(file_address(row.plan_id, "plan-json"))


@blueprint.get("/assessment-results/<result_id>/log-output")
@requires(P.RUN_READ)
@describes(
    status=307,
    parameters=(("limit", "How many bytes of the log"), ("offset", "The first byte of the log, counted from 0")),
)
def show_log_output_of_assessment(result_id: str) -> Response:
    """Redirect to the log of an assessment, with the same limit and offset."""
    address = log_address(ASSESSMENT_RESULTS.get({"id": result_id}).plan_id)
    part = urlencode({name: request.args[name] for name in ("limit", "offset") if name in request.args})
    return redirected(f"{address}?{part}" if part else address)
