"""Policy set outcomes over HTTP (spec: policy set outcomes)."""

from flask import Blueprint, Response

from app.authz.permissions import P
from app.resources.policies.policy_set_outcomes.listing import POLICY_SET_OUTCOMES
from app.resources.policies.policy_set_outcomes.schema import PolicySetOutcomeSchema
from app.resources.runs.policy_evaluations.listing import POLICY_EVALUATIONS
from app.web.answers import resource_response
from app.web.guard import describes, requires

blueprint = Blueprint("policy_set_outcomes", __name__, url_prefix="/api/v2")


@blueprint.get("/policy-evaluations/<evaluation_id>/policy-set-outcomes")
@requires(P.RUN_READ)
@describes(listing=POLICY_SET_OUTCOMES, errors=(400,))
def list_policy_set_outcomes(evaluation_id: str) -> Response:
    """List what policies say about the plan of a run, by their sets."""
    POLICY_EVALUATIONS.get({"id": evaluation_id})
    return POLICY_SET_OUTCOMES.page_response({"policy_evaluation_id": evaluation_id})


@blueprint.get("/policy-set-outcomes/<outcome_id>")
@requires(P.RUN_READ)
@describes(answer=PolicySetOutcomeSchema, errors=(400,))
def show_policy_set_outcome(outcome_id: str) -> Response:
    """Show what the policies of a set say about the plan of a run."""
    return resource_response(POLICY_SET_OUTCOMES.get_resource({"id": outcome_id}))
