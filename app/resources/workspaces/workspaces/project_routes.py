"""The workspaces of a project. A single one can also be read without a token, if its project allows that."""

from flask import Response, request

from app.authz.permissions import P
from app.jsonapi.errors import NotFound, Unprocessable
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.models.projects import Project
from app.resources.projects.dry_runs.document import DRY_RUN, SEEN_BY, dry_run_response
from app.resources.workspaces.workspaces import service
from app.resources.workspaces.workspaces.blueprint import FORCE, blueprint
from app.resources.workspaces.workspaces.includes import INCLUDED_PERMISSIONS, INCLUDES, including
from app.resources.workspaces.workspaces.listing import PROJECT_WORKSPACES, PUBLIC_WORKSPACES, WORKSPACES
from app.resources.workspaces.workspaces.moving import SECRETS
from app.resources.workspaces.workspaces.schema import PublicWorkspaceSchema, WorkspaceSchema
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import get_visible
from app.web.requests import body, flag

IN_PROJECT = "/projects/<project_id>/workspaces"
ONE = f"{IN_PROJECT}/<workspace_id>"


class AnotherProject(Unprocessable):
    """The document names another project than the address."""

    code = "another-project"
    pointer = "/data/relationships/project"
    detail = "The project must be the one in the address"


@blueprint.get(IN_PROJECT)
@requires(P.WORKSPACE_READ, *INCLUDED_PERMISSIONS)
@describes(listing=PROJECT_WORKSPACES, includes=INCLUDES, errors=(400,))
def list_workspaces_of_project(project_id: str) -> Response:
    """List the workspaces of a project that the caller can see."""
    include = including(includes_of(request.args, INCLUDES))
    project = get_visible(Project, project_id)
    return PROJECT_WORKSPACES.page_response(
        {"organization_id": project.organization_id, "project_id": project_id}, include=include
    )


@blueprint.post(IN_PROJECT)
@requires(P.WORKSPACE_READ, P.PROJECT_READ, P.PROJECT_CREATE_WORKSPACE, P.ENVIRONMENT_READ, P.RUN_APPLY)
@describes(body=WorkspaceSchema, answer=WorkspaceSchema, status=201, errors=(403, 422))
def create_workspace_in_project(project_id: str) -> Response:
    """Create a workspace in a project; 403 for callers who see the project but may not create."""
    members = load(WorkspaceSchema, body())
    if members.pop("project_id", None) not in (None, project_id):
        raise AnotherProject
    return resource_response(service.create_workspace_in_project(project_id, members), 201)


@blueprint.get(ONE)
@requires(P.WORKSPACE_READ, P.WORKSPACE_READ_PUBLIC, *INCLUDED_PERMISSIONS, anonymous=True)
@describes(answer=WorkspaceSchema, otherwise=PublicWorkspaceSchema, includes=INCLUDES, errors=(400,))
def show_workspace_of_project(project_id: str, workspace_id: str) -> Response:
    """Show a workspace of a project.

    If the project has ``public-read``, everybody can read its public attributes, even without a token.
    """
    conditions = {"id": workspace_id, "project_id": project_id}
    try:
        row = WORKSPACES.get(conditions)
    except NotFound:
        public = PUBLIC_WORKSPACES.get_resource(conditions)
        # None of its related resources is public.
        return resource_response(public, included=[] if includes_of(request.args, INCLUDES) else None)
    # Only checked now: a caller who can't see the workspace gets 404, whatever is wrong with the request.
    include = including(includes_of(request.args, INCLUDES))
    shown = WORKSPACES.to_resource(row)
    return resource_response(shown, included=include([row], [shown]) if include else None)


@blueprint.patch(ONE)
@requires(
    P.PROJECT_READ,
    P.ENVIRONMENT_READ,
    P.WORKSPACE_READ,
    P.WORKSPACE_UPDATE,
    P.WORKSPACE_MOVE,
    *SECRETS,
    P.RUN_APPLY,
    P.PROJECT_MOVE_WORKSPACE,
    P.PROJECT_CREATE_WORKSPACE,
)
@describes(body=WorkspaceSchema, is_partial=True, answer=WorkspaceSchema, errors=(403, 422))
def update_workspace_of_project(project_id: str, workspace_id: str) -> Response:
    """Update, rename or move a workspace of a project; attributes that are left out stay as they are."""
    members = load(WorkspaceSchema, body(), partial=True, identifier=workspace_id)
    return resource_response(service.update_workspace(workspace_id, members, {"project_id": project_id}))


@blueprint.delete(ONE)
@requires(P.WORKSPACE_READ, P.WORKSPACE_DELETE, P.WORKSPACE_FORCE_DELETE, *SEEN_BY)
@describes(status=204, parameters=(FORCE,), dry_run=DRY_RUN, errors=(400, 403, 409))
def destroy_workspace_of_project(project_id: str, workspace_id: str) -> Response:
    """Delete a workspace of a project that is unlocked and manages nothing; with force=true any one."""
    foreseen = service.destroy_workspace(
        workspace_id,
        {"project_id": project_id},
        by_force=flag("force"),
        force_is_offered=True,
        is_dry=flag("dry-run"),
    )
    return no_content() if foreseen is None else dry_run_response(foreseen)
