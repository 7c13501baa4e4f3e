"""Links of projects to repositories over HTTP."""

from flask import Blueprint, Response

from app.authz.permissions import P
from app.jsonapi.schema import load
from app.models.projects import Project
from app.resources.projects.repository_links import service
from app.resources.projects.repository_links.listing import REPOSITORY_LINKS
from app.resources.projects.repository_links.operations import normalize_link
from app.resources.projects.repository_links.schema import RepositoryLinkSchema
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import get_visible
from app.web.requests import body

blueprint = Blueprint("repository_links", __name__, url_prefix="/api/v2")


@blueprint.get("/projects/<project_id>/repository-links")
@requires(P.PROJECT_READ)
@describes(listing=REPOSITORY_LINKS, errors=(400,))
def list_repository_links(project_id: str) -> Response:
    """List the repositories that a project is linked to."""
    project = get_visible(Project, project_id)
    return REPOSITORY_LINKS.page_response({"organization_id": project.organization_id, "project_id": project_id})


@blueprint.post("/projects/<project_id>/repository-links")
@requires(P.PROJECT_READ, P.PROJECT_UPDATE)
@describes(body=RepositoryLinkSchema, answer=RepositoryLinkSchema, status=201, errors=(422,))
def create_repository_link(project_id: str) -> Response:
    """Link a project to a repository; the service itself never connects to it."""
    members = normalize_link(load(RepositoryLinkSchema, body()))
    return resource_response(service.create_repository_link(project_id, members), 201)


@blueprint.get("/repository-links/<link_id>")
@requires(P.PROJECT_READ)
@describes(answer=RepositoryLinkSchema)
def show_repository_link(link_id: str) -> Response:
    """Show a link to a repository."""
    return resource_response(REPOSITORY_LINKS.get_resource({"id": link_id}))


@blueprint.patch("/repository-links/<link_id>")
@requires(P.PROJECT_READ, P.PROJECT_UPDATE)
@describes(body=RepositoryLinkSchema, is_partial=True, answer=RepositoryLinkSchema, errors=(422,))
def update_repository_link(link_id: str) -> Response:
    """Change a link to a repository; attributes that are left out stay as they are.

    A new address without a provider, or null as the provider, has the provider guessed from the host.
    """
    members = load(RepositoryLinkSchema, body(), partial=True, identifier=link_id)
    return resource_response(service.update_repository_link(link_id, members))


@blueprint.delete("/repository-links/<link_id>")
@requires(P.PROJECT_READ, P.PROJECT_UPDATE)
@describes(status=204)
def destroy_repository_link(link_id: str) -> Response:
    """Delete a link to a repository."""
    service.destroy_repository_link(link_id)
    return no_content()
