"""Outputs of states over HTTP (spec: state versions, outputs)."""

from flask import Response

from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.resources.workspaces.state_versions.access import version_for, workspace_for
from app.resources.workspaces.state_versions.blueprint import API, OF_WORKSPACE, blueprint
from app.resources.workspaces.state_versions.listing import OUTPUTS, READABLE_OUTPUTS, REVEALED_OUTPUTS
from app.resources.workspaces.state_versions.schema import OutputSchema, RevealedOutputSchema
from app.web.answers import resource_response
from app.web.guard import describes, requires


@blueprint.get(f"{API}/state-versions/<version_id>/outputs")
@requires(P.STATE_READ_OUTPUTS)
@describes(listing=READABLE_OUTPUTS, errors=(400,))
def list_outputs(version_id: str) -> Response:
    """List the outputs of a state version; sensitive values are null for callers who may not read the state."""
    version_for(version_id, P.STATE_READ_OUTPUTS)
    return READABLE_OUTPUTS.page_response({"state_version_id": version_id})


@blueprint.get(f"{OF_WORKSPACE}/current-state-version-outputs")
@requires(P.STATE_READ_OUTPUTS)
@describes(answer=OutputSchema, many=True, paged=False, errors=(400,))
def list_current_outputs(workspace_id: str) -> Response:
    """List the outputs of a workspace's current state, 404 without one; sensitive values are null."""
    current = workspace_for(workspace_id, P.STATE_READ_OUTPUTS).current_state_version_id
    if current is None:
        raise NotFound
    return OUTPUTS.page_response({"state_version_id": current}, paged=False)


@blueprint.get(f"{API}/state-version-outputs/<output_id>")
@requires(P.STATE_READ_OUTPUTS)
@describes(answer=RevealedOutputSchema)
def show_output(output_id: str) -> Response:
    """Show an output with its value, sensitive or not."""
    return resource_response(REVEALED_OUTPUTS.get_resource({"id": output_id}))
