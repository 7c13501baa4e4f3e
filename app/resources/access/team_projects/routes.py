"""Access of teams to projects over HTTP (spec: team access to projects)."""

from flask import Blueprint, Response

from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.jsonapi.schema import load
from app.models.projects import Project
from app.resources.access.team_projects import service
from app.resources.access.team_projects.listing import TEAM_PROJECTS
from app.resources.access.team_projects.schema import TeamProjectSchema
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import get_visible, require
from app.web.requests import body, filter_text

blueprint = Blueprint("team_projects", __name__, url_prefix="/api/v2")

PROJECT_FILTER = "filter[project][id]"


@blueprint.get("/team-projects")
@requires(P.PROJECT_READ, P.PROJECT_READ_TEAMS)
@describes(listing=TEAM_PROJECTS, parameters=((PROJECT_FILTER, "The project; required"),), errors=(400,))
def list_team_projects() -> Response:
    """List the access of teams to a project; administrators of the project don't see that of secret teams."""
    project_id = filter_text(PROJECT_FILTER)
    if project_id is None:
        raise NotFound
    project = get_visible(Project, project_id)
    require(P.PROJECT_READ_TEAMS, project, Project)
    return TEAM_PROJECTS.page_response({"organization_id": project.organization_id, "project_id": project_id})


@blueprint.post("/team-projects")
@requires(P.PROJECT_READ_TEAMS, P.PROJECT_READ, P.PROJECT_MANAGE_TEAMS, P.PROJECT_MANAGE_MEMBERS)
@describes(body=TeamProjectSchema, answer=TeamProjectSchema, status=201, errors=(403, 422))
def create_team_project() -> Response:
    """Give a team access to a project. With a custom access you give no more rights than you have."""
    members = load(TeamProjectSchema, body())
    return resource_response(service.create_team_project(members), 201)


@blueprint.get("/team-projects/<team_project_id>")
@requires(P.PROJECT_READ_TEAMS)
@describes(answer=TeamProjectSchema)
def show_team_project(team_project_id: str) -> Response:
    """Show a team's access to a project."""
    return resource_response(TEAM_PROJECTS.get_resource({"id": team_project_id}))


@blueprint.patch("/team-projects/<team_project_id>")
@requires(P.PROJECT_READ_TEAMS, P.PROJECT_MANAGE_TEAMS, P.PROJECT_MANAGE_MEMBERS)
@describes(body=TeamProjectSchema, is_partial=True, answer=TeamProjectSchema, errors=(403, 422))
def update_team_project(team_project_id: str) -> Response:
    """Change a team's access to a project; details of a custom access that are left out stay as they are."""
    members = load(TeamProjectSchema, body(), partial=True, identifier=team_project_id)
    return resource_response(service.update_team_project(team_project_id, members))


@blueprint.delete("/team-projects/<team_project_id>")
@requires(P.PROJECT_READ_TEAMS, P.PROJECT_MANAGE_TEAMS)
@describes(status=204)
def destroy_team_project(team_project_id: str) -> Response:
    """Remove a team's access to a project."""
    service.destroy_team_project(team_project_id)
    return no_content()
