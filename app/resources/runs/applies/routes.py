"""Applies over HTTP (spec: applies)."""

from flask import Blueprint, Response

from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.models.applies import Apply
from app.resources.runs.applies.listing import APPLIES
from app.resources.runs.applies.schema import ApplySchema
from app.resources.runs.logs.addresses import file_address
from app.web.answers import redirected, resource_response
from app.web.guard import describes, requires
from app.web.policy import require

blueprint = Blueprint("applies", __name__, url_prefix="/api/v2")


@blueprint.get("/applies/<apply_id>")
@requires(P.RUN_READ)
@describes(answer=ApplySchema, errors=(400,))
def show_apply(apply_id: str) -> Response:
    """Show an apply, with the address of its log."""
    return resource_response(APPLIES.get_resource({"id": apply_id}))


@blueprint.get("/runs/<run_id>/apply")
@requires(P.RUN_READ)
@describes(answer=ApplySchema, errors=(400,))
def show_apply_of_run(run_id: str) -> Response:
    """Show the apply of a run."""
    return resource_response(APPLIES.get_resource({"run_id": run_id}))


@blueprint.get("/applies/<apply_id>/errored-state")
@requires(P.RUN_READ, P.STATE_READ)
@describes(status=307)
def show_errored_state(apply_id: str) -> Response:
    """Redirect to the last state of an apply that could not become a state version; 404 if there is none."""
    row = APPLIES.get({"id": apply_id})
    require(P.STATE_READ, row, Apply)
    if row.errored_state_object is None:
        raise NotFound
    return redirected(file_address(row.id, "errored-state"))
