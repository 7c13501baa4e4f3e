"""Environments over HTTP (mission: C8 to C10)."""

from flask import Blueprint, Response

from app.authz.permissions import P
from app.jsonapi.schema import load
from app.models.projects import Project
from app.resources.projects.dry_runs.document import DRY_RUN, SEEN_BY, DryRun, dry_run_response
from app.resources.projects.environments import service
from app.resources.projects.environments.listing import ENVIRONMENTS
from app.resources.projects.environments.schema import EnvironmentSchema
from app.web.answers import document_response, no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import get_visible
from app.web.requests import body, flag

blueprint = Blueprint("environments", __name__, url_prefix="/api/v2")

COPIED = {
    "type": "object",
    "required": ["workspaces"],
    "properties": {
        "workspaces": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "name", "source-id", "source-name"],
                "properties": {name: {"type": "string"} for name in ("id", "name", "source-id", "source-name")},
            },
        },
    },
}


@blueprint.get("/projects/<project_id>/environments")
@requires(P.PROJECT_READ, P.ENVIRONMENT_READ)
@describes(listing=ENVIRONMENTS, errors=(400,))
def list_environments(project_id: str) -> Response:
    """List the environments of a project that the caller can see."""
    project = get_visible(Project, project_id)
    return ENVIRONMENTS.page_response({"organization_id": project.organization_id, "project_id": project_id})


@blueprint.post("/projects/<project_id>/environments")
@requires(P.ENVIRONMENT_READ, P.PROJECT_READ, P.ENVIRONMENT_MANAGE)
@describes(body=EnvironmentSchema, answer=EnvironmentSchema, status=201, errors=(403, 422))
def create_environment(project_id: str) -> Response:
    """Create an environment."""
    members = load(EnvironmentSchema, body())
    return resource_response(service.create_environment(project_id, members), 201)


@blueprint.get("/environments/<environment_id>")
@requires(P.ENVIRONMENT_READ)
@describes(answer=EnvironmentSchema)
def show_environment(environment_id: str) -> Response:
    """Show an environment."""
    return resource_response(ENVIRONMENTS.get_resource({"id": environment_id}))


@blueprint.patch("/environments/<environment_id>")
@requires(P.ENVIRONMENT_READ, P.ENVIRONMENT_MANAGE)
@describes(body=EnvironmentSchema, is_partial=True, answer=EnvironmentSchema, errors=(403, 422))
def update_environment(environment_id: str) -> Response:
    """Update an environment; attributes that are left out stay as they are."""
    members = load(EnvironmentSchema, body(), partial=True, identifier=environment_id)
    return resource_response(service.update_environment(environment_id, members))


@blueprint.delete("/environments/<environment_id>")
@requires(P.ENVIRONMENT_READ, P.ENVIRONMENT_MANAGE, *service.FORCE, *SEEN_BY)
@describes(
    status=204,
    parameters=(("force", "true deletes the environment with its workspaces"),),
    dry_run=DRY_RUN,
    errors=(400, 403),
)
def destroy_environment(environment_id: str) -> Response:
    """Delete an environment with the roles that are limited to it; with force=true also the workspaces in it."""
    foreseen = service.destroy_environment(environment_id, by_force=flag("force"), is_dry=flag("dry-run"))
    return no_content() if foreseen is None else dry_run_response(foreseen)


@blueprint.post("/environments/<environment_id>/actions/set-default")
@requires(P.ENVIRONMENT_READ, P.PROJECT_READ, P.ENVIRONMENT_MANAGE)
@describes(answer=EnvironmentSchema, errors=(403,))
def set_default_environment(environment_id: str) -> Response:
    """Make an environment the default of its project: where new workspaces are created unless they name another."""
    return resource_response(service.set_default_environment(environment_id))


@blueprint.post("/environments/<environment_id>/actions/clone")
@requires(P.ENVIRONMENT_READ, P.PROJECT_READ, P.ENVIRONMENT_MANAGE, *SEEN_BY)
@describes(
    body=EnvironmentSchema, answer=EnvironmentSchema, meta=COPIED, dry_run=DRY_RUN, status=201, errors=(403, 422)
)
def clone_environment(environment_id: str) -> Response:
    """Create an environment like this one, with copies of its workspaces and everything in them except states.

    All or nothing is copied. ``meta`` has the names of the copies, because the name of a workspace is unique in its
    organization.
    """
    members = load(EnvironmentSchema, body())
    cloned = service.clone_environment(environment_id, members, is_dry=flag("dry-run"))
    if isinstance(cloned, DryRun):
        return dry_run_response(cloned)
    pairs, shown = cloned
    copied = [
        {"id": copy.id, "name": copy.name, "source-id": source.id, "source-name": source.name} for source, copy in pairs
    ]
    return document_response({"data": shown, "meta": {"workspaces": copied}}, 201)
