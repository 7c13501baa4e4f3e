"""Run triggers over HTTP (spec: run triggers)."""

from typing import Final

from flask import Blueprint, Response

from app.authz.permissions import P
from app.jsonapi.errors import BadParameter
from app.jsonapi.schema import load
from app.resources.runs.run_triggers import service
from app.resources.runs.run_triggers.listing import RUN_TRIGGERS
from app.resources.runs.run_triggers.schema import RunTriggerSchema
from app.resources.workspaces.state_versions.access import workspace_for
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.requests import body, filter_text

blueprint = Blueprint("run_triggers", __name__, url_prefix="/api/v2")

KIND: Final = "filter[run-trigger][type]"
# The column of the workspace in the address, for each kind.
COLUMNS: Final = {"inbound": "workspace_id", "outbound": "source_id"}


@blueprint.get("/workspaces/<workspace_id>/run-triggers")
@requires(P.RUN_READ)
@describes(
    listing=RUN_TRIGGERS,
    parameters=((KIND, "`inbound` for what starts runs of the workspace, `outbound` for what its applies start"),),
    errors=(400,),
)
def list_run_triggers(workspace_id: str) -> Response:
    """List the run triggers of a workspace: those that start its runs, or those that its applies set off."""
    workspace_for(workspace_id, P.RUN_READ)
    column = COLUMNS.get(filter_text(KIND) or "")
    if column is None:
        raise BadParameter(f"{KIND} must be inbound or outbound", parameter=KIND)
    return RUN_TRIGGERS.page_response({column: workspace_id})


@blueprint.post("/workspaces/<workspace_id>/run-triggers")
@requires(P.WORKSPACE_READ, P.WORKSPACE_UPDATE, P.RUN_PLAN, P.RUN_READ)
@describes(body=RunTriggerSchema, answer=RunTriggerSchema, status=201, errors=(422,))
def create_run_trigger(workspace_id: str) -> Response:
    """Let each apply of another workspace start a run of this one."""
    members = load(RunTriggerSchema, body())
    return resource_response(service.create_run_trigger(workspace_id, members["sourceable_id"]), 201)


@blueprint.get("/run-triggers/<trigger_id>")
@requires(P.RUN_READ)
@describes(answer=RunTriggerSchema)
def show_run_trigger(trigger_id: str) -> Response:
    """Show a run trigger."""
    return resource_response(RUN_TRIGGERS.get_resource({"id": trigger_id}))


@blueprint.delete("/run-triggers/<trigger_id>")
@requires(P.RUN_READ, P.WORKSPACE_UPDATE)
@describes(status=204)
def destroy_run_trigger(trigger_id: str) -> Response:
    """Delete a run trigger."""
    service.destroy_run_trigger(trigger_id)
    return no_content()
