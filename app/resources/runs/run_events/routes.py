"""Run events over HTTP (spec: run events)."""

from flask import Blueprint, Response, request

from app.authz.permissions import P
from app.jsonapi.query import includes_of
from app.resources.runs.run_events.listing import INCLUDES, RUN_EVENTS, including
from app.resources.runs.run_events.schema import RunEventSchema
from app.resources.runs.runs.access import run_for
from app.web.answers import resource_response
from app.web.guard import describes, requires

blueprint = Blueprint("run_events", __name__, url_prefix="/api/v2")


@blueprint.get("/runs/<run_id>/run-events")
@requires(P.RUN_READ, P.USER_READ)
@describes(listing=RUN_EVENTS, includes=INCLUDES, errors=(400,))
def list_run_events(run_id: str) -> Response:
    """List what happened to a run, in order."""
    run_for(run_id, P.RUN_READ)
    return RUN_EVENTS.page_response({"run_id": run_id}, include=including(includes_of(request.args, INCLUDES)))


@blueprint.get("/run-events/<event_id>")
@requires(P.RUN_READ, P.USER_READ)
@describes(answer=RunEventSchema, includes=INCLUDES, errors=(400,))
def show_run_event(event_id: str) -> Response:
    """Show something that happened to a run."""
    include = including(includes_of(request.args, INCLUDES))
    row = RUN_EVENTS.get({"id": event_id})
    shown = RUN_EVENTS.to_resource(row)
    return resource_response(shown, included=include([row], [shown]) if include else None)
