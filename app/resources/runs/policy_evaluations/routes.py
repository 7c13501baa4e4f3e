"""Policy evaluations over HTTP (spec: policy evaluations)."""

from flask import Blueprint, Response

from app.authz.permissions import P
from app.resources.runs.policy_evaluations.listing import POLICY_EVALUATIONS
from app.resources.runs.policy_evaluations.schema import PolicyEvaluationSchema
from app.web.answers import resource_response
from app.web.guard import describes, requires

blueprint = Blueprint("policy_evaluations", __name__, url_prefix="/api/v2")


@blueprint.get("/policy-evaluations/<evaluation_id>")
@requires(P.RUN_READ)
@describes(answer=PolicyEvaluationSchema, errors=(400,))
def show_policy_evaluation(evaluation_id: str) -> Response:
    """Show what policies say about the plan of a run."""
    return resource_response(POLICY_EVALUATIONS.get_resource({"id": evaluation_id}))
