"""All workspaces that an account can see."""

from flask import Response, request

from app.authz.permissions import P
from app.jsonapi.query import includes_of
from app.models.workspaces import Workspace
from app.resources.workspaces.workspaces.blueprint import blueprint
from app.resources.workspaces.workspaces.includes import INCLUDED_PERMISSIONS, INCLUDES, including
from app.resources.workspaces.workspaces.listing import REACHABLE_WORKSPACES
from app.web.guard import describes, requires
from app.web.policy import only_organization


@blueprint.get("/workspaces")
@requires(P.WORKSPACE_READ, *INCLUDED_PERMISSIONS)
@describes(listing=REACHABLE_WORKSPACES, includes=INCLUDES, errors=(400,))
def list_reachable_workspaces() -> Response:
    """List the workspaces that the caller can see, of all organizations."""
    return REACHABLE_WORKSPACES.page_response(
        only_organization(P.WORKSPACE_READ, Workspace), include=including(includes_of(request.args, INCLUDES))
    )
