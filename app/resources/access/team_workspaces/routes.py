"""Access of teams to workspaces over HTTP (spec: team access to a workspace)."""

from flask import Blueprint, Response

from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.jsonapi.schema import load
from app.models.workspaces import Workspace
from app.resources.access.team_workspaces import service
from app.resources.access.team_workspaces.listing import TEAM_WORKSPACES
from app.resources.access.team_workspaces.schema import TeamWorkspaceSchema
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import require
from app.web.requests import body, filter_text

blueprint = Blueprint("team_workspaces", __name__, url_prefix="/api/v2")

WORKSPACE_FILTER = "filter[workspace][id]"


@blueprint.get("/team-workspaces")
@requires(P.WORKSPACE_READ, P.WORKSPACE_MANAGE_TEAMS)
@describes(
    listing=TEAM_WORKSPACES,
    paged=False,
    parameters=((WORKSPACE_FILTER, "The workspace; required"),),
    errors=(400,),
)
def list_team_workspaces() -> Response:
    """List the access of teams to a workspace; administrators of the workspace don't see that of secret teams."""
    workspace_id = filter_text(WORKSPACE_FILTER)
    if workspace_id is None:
        raise NotFound
    workspace = WORKSPACES.get({"id": workspace_id})
    require(P.WORKSPACE_MANAGE_TEAMS, workspace, Workspace)
    parents = {"organization_id": workspace.organization_id, "workspace_id": workspace_id}
    return TEAM_WORKSPACES.page_response(parents, paged=False)


@blueprint.post("/team-workspaces")
@requires(P.WORKSPACE_READ, P.WORKSPACE_MANAGE_TEAMS)
@describes(body=TeamWorkspaceSchema, answer=TeamWorkspaceSchema, status=201, errors=(422,))
def create_team_workspace() -> Response:
    """Give a team access to a workspace."""
    members = load(TeamWorkspaceSchema, body())
    return resource_response(service.create_team_workspace(members), 201)


@blueprint.get("/team-workspaces/<team_workspace_id>")
@requires(P.WORKSPACE_MANAGE_TEAMS)
@describes(answer=TeamWorkspaceSchema)
def show_team_workspace(team_workspace_id: str) -> Response:
    """Show a team's access to a workspace."""
    return resource_response(TEAM_WORKSPACES.get_resource({"id": team_workspace_id}))


@blueprint.patch("/team-workspaces/<team_workspace_id>")
@requires(P.WORKSPACE_MANAGE_TEAMS)
@describes(body=TeamWorkspaceSchema, is_partial=True, answer=TeamWorkspaceSchema, errors=(422,))
def update_team_workspace(team_workspace_id: str) -> Response:
    """Change a team's access to a workspace; details of a custom access that are left out stay as they are."""
    members = load(TeamWorkspaceSchema, body(), partial=True, identifier=team_workspace_id)
    return resource_response(service.update_team_workspace(team_workspace_id, members))


@blueprint.delete("/team-workspaces/<team_workspace_id>")
@requires(P.WORKSPACE_MANAGE_TEAMS)
@describes(status=204)
def destroy_team_workspace(team_workspace_id: str) -> Response:
    """Remove a team's access to a workspace."""
    service.destroy_team_workspace(team_workspace_id)
    return no_content()
