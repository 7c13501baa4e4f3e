"""Plans over HTTP (spec: plans)."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from app.authz.permissions import P
from app.jsonapi.errors import NotFound, Unprocessable
from app.models.plans import Plan
from app.models.run_phases import FINISHED, OVER
from app.resources.runs.logs.addresses import Part, file_address
from app.resources.runs.plans.listing import PLANS
from app.resources.runs.plans.schema import PlanSchema
from app.web.answers import no_content, redirected, resource_response
from app.web.guard import describes, requires
from app.web.policy import is_allowed, require

blueprint = Blueprint("plans", __name__, url_prefix="/api/v2")

JSON: Mapping[str, Any] = {"type": "object"}


class NoJsonOutput(Unprocessable):
    """The plan has no JSON form, because it did not succeed."""

    code = "plan-without-json-output"
    detail = "The plan did not succeed, so there is no JSON output"


@blueprint.get("/plans/<plan_id>")
@requires(P.RUN_READ)
@describes(answer=PlanSchema, errors=(400,))
def show_plan(plan_id: str) -> Response:
    """Show a plan, with the address of its log."""
    return resource_response(PLANS.get_resource({"id": plan_id}))


@blueprint.get("/runs/<run_id>/plan")
@requires(P.RUN_READ)
@describes(answer=PlanSchema, errors=(400,))
def show_plan_of_run(run_id: str) -> Response:
    """Show the plan of a run."""
    return resource_response(PLANS.get_resource({"run_id": run_id}))


@blueprint.get("/plans/<plan_id>/json-output")
@requires(P.RUN_READ, P.RUN_APPLY, P.WORKSPACE_UPDATE, P.RUN_TASK_ANSWER)
@describes(status=307, statuses=(204,), errors=(422,))
def show_json_output(plan_id: str) -> Response:
    """Redirect to the plan as JSON, with all its values; 204 until it is finished. For administrators who may apply."""
    return _json_output({"id": plan_id})


@blueprint.get("/runs/<run_id>/plan/json-output")
@requires(P.RUN_READ, P.RUN_APPLY, P.WORKSPACE_UPDATE, P.RUN_TASK_ANSWER)
@describes(status=307, statuses=(204,), errors=(422,))
def show_json_output_of_run(run_id: str) -> Response:
    """Redirect to the plan of a run as JSON, with all its values; 204 until it is finished."""
    return _json_output({"run_id": run_id})


@blueprint.get("/plans/<plan_id>/json-output-redacted")
@requires(P.RUN_READ)
@describes(status=307, statuses=(204,), errors=(422,))
def show_redacted_output(plan_id: str) -> Response:
    """Redirect to the plan as JSON without sensitive values, as the CLI shows it; 204 until it is finished."""
    return _redirect(PLANS.get({"id": plan_id}), "plan-json-redacted", "redacted_object")


def _json_output(conditions: Mapping[str, str]) -> Response:
    row = PLANS.get(conditions)
    # The plan shows the state and every variable. The organization's token administers, and may not apply.
    # A run task is asked about this very plan.
    if not is_allowed(P.RUN_TASK_ANSWER, row, Plan):
        require(P.WORKSPACE_UPDATE, row, Plan)
        require(P.RUN_APPLY, row, Plan)
    return _redirect(row, "plan-json", "json_object")


def _redirect(row: Any, part: Part, column: str) -> Response:  # noqa: ANN401 - a row of the listing
    if row.status not in OVER:
        return no_content()
    if getattr(row, column) is None:
        if row.status != FINISHED:
            raise NoJsonOutput
        raise NotFound
    return redirected(file_address(row.id, part))
