"""Projects over HTTP (spec: projects)."""

from flask import Blueprint, Response, request

from app.authz.permissions import P
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.models.projects import Project
from app.persistence import fold_case
from app.resources.projects.dry_runs.document import DRY_RUN, SEEN_BY, dry_run_response
from app.resources.projects.projects import service
from app.resources.projects.projects.listing import PROJECTS, REACHABLE_PROJECTS
from app.resources.projects.projects.schema import ProjectSchema
from app.resources.projects.tag_bindings.listing import include_effective_tags
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import only_organization, organization_or_404
from app.web.requests import body, flag
from app.web.transaction import capture_read

blueprint = Blueprint("projects", __name__, url_prefix="/api/v2")

INCLUDES = ("effective_tag_bindings",)


@blueprint.get("/organizations/<organization>/projects")
@requires(P.ORGANIZATION_READ, P.PROJECT_READ)
@describes(listing=PROJECTS, includes=INCLUDES, errors=(400,))
def list_projects(organization: str) -> Response:
    """List the projects of an organization that the caller can see."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    included = includes_of(request.args, INCLUDES)
    return PROJECTS.page_response({"organization_id": org.id}, include=include_effective_tags if included else None)


@blueprint.get("/projects")
@requires(P.PROJECT_READ)
@describes(listing=REACHABLE_PROJECTS, includes=INCLUDES, errors=(400,))
def list_reachable_projects() -> Response:
    """List the projects that the caller can see, of all organizations."""
    included = includes_of(request.args, INCLUDES)
    return REACHABLE_PROJECTS.page_response(
        only_organization(P.PROJECT_READ, Project), include=include_effective_tags if included else None
    )


@blueprint.post("/organizations/<organization>/projects")
@requires(P.PROJECT_READ, P.PROJECT_CREATE)
@describes(body=ProjectSchema, answer=ProjectSchema, status=201, errors=(422,))
def create_project(organization: str) -> Response:
    """Create a project."""
    org = organization_or_404(organization, P.PROJECT_CREATE)
    return resource_response(service.create_project(org, load(ProjectSchema, body())), 201)


@blueprint.get("/projects/<project_id>")
@requires(P.PROJECT_READ)
@describes(answer=ProjectSchema, includes=INCLUDES, errors=(400,))
def show_project(project_id: str) -> Response:
    """Show a project."""
    return _show({"id": project_id})


@blueprint.get("/organizations/<organization>/projects/<slug>")
@requires(P.ORGANIZATION_READ, P.PROJECT_READ)
@describes(answer=ProjectSchema, includes=INCLUDES, errors=(400,))
def show_project_by_slug(organization: str, slug: str) -> Response:
    """Show the project of an organization with this slug."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    return _show({"organization_id": org.id, "slug": fold_case(slug)})


@blueprint.patch("/projects/<project_id>")
@requires(P.PROJECT_READ, P.PROJECT_UPDATE, P.PROJECT_MANAGE_MEMBERS, P.RUN_APPLY)
@describes(body=ProjectSchema, is_partial=True, answer=ProjectSchema, errors=(403, 422))
def update_project(project_id: str) -> Response:
    """Update a project; attributes that are left out stay as they are.

    Only those who manage the project's members may turn ``public-read`` on or off.
    """
    members = load(ProjectSchema, body(), partial=True, identifier=project_id)
    return resource_response(service.update_project(project_id, members))


@blueprint.delete("/projects/<project_id>")
@requires(P.PROJECT_READ, P.PROJECT_DELETE, P.PROJECT_FORCE_DELETE, *SEEN_BY)
@describes(
    status=204,
    parameters=(("force", "true deletes the project with its workspaces"),),
    dry_run=DRY_RUN,
    errors=(400, 403),
)
def destroy_project(project_id: str) -> Response:
    """Delete a project; with force=true also the workspaces in it. All or nothing is deleted."""
    foreseen = service.destroy_project(project_id, by_force=flag("force"), is_dry=flag("dry-run"))
    return no_content() if foreseen is None else dry_run_response(foreseen)


def _show(conditions: dict[str, str]) -> Response:
    included = includes_of(request.args, INCLUDES)
    row = PROJECTS.get(conditions)
    capture_read(Project.__tablename__, row)
    shown = PROJECTS.to_resource(row)
    return resource_response(shown, included=include_effective_tags([row], [shown]) if included else None)
