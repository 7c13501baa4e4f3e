"""Moving workspaces into a project over HTTP (spec: projects)."""

from flask import Response

from app.authz.permissions import P
from app.jsonapi.body import identifiers, resource_list
from app.resources.projects.dry_runs.document import DRY_RUN, SEEN_BY, dry_run_response
from app.resources.workspaces.workspaces import service
from app.resources.workspaces.workspaces.blueprint import blueprint
from app.resources.workspaces.workspaces.moving import SECRETS
from app.web.answers import no_content
from app.web.guard import describes, requires
from app.web.requests import body, flag

MOVED_AT_ONCE = 5_000


@blueprint.post("/projects/<project_id>/relationships/workspaces")
@requires(P.PROJECT_READ, P.PROJECT_MOVE_WORKSPACE, P.WORKSPACE_MOVE, *SECRETS, P.RUN_APPLY, *SEEN_BY)
@describes(body={"$ref": "#/components/schemas/workspaces-identifiers"}, status=204, dry_run=DRY_RUN, errors=(403, 422))
def move_workspaces_into_project(project_id: str) -> Response:
    """Move workspaces into a project: all of them, or none and 403 with the ids of those that can't be moved."""
    wanted = identifiers(resource_list(body(), ("workspaces",), MOVED_AT_ONCE))
    foreseen = service.move_workspaces_into_project(project_id, wanted, is_dry=flag("dry-run"))
    return no_content() if foreseen is None else dry_run_response(foreseen)
