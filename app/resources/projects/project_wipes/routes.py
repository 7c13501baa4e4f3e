"""Wiping a project over HTTP (mission: D7)."""

from typing import Any

from flask import Blueprint, Response

from app.authz.permissions import P
from app.resources.projects.dry_runs.document import ACCESS, SEEN_BY
from app.resources.projects.project_wipes import service
from app.resources.projects.project_wipes.operations import (
    COUNTED,
    LEFT,
    type_of,
)
from app.web.answers import resource_response
from app.web.guard import describes, requires
from app.web.requests import flag, refuse_strangers

blueprint = Blueprint("project_wipes", __name__, url_prefix="/api/v2")

COUNTS = [*(type_of(model) for model in COUNTED), LEFT]
PROJECT_WIPE: dict[str, Any] = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "object",
            "required": ["id", "type", "attributes"],
            "properties": {
                "id": {"type": "string"},
                "type": {"const": "project-wipes"},
                "attributes": {
                    "type": "object",
                    "required": ["dry-run", "counts"],
                    "properties": {
                        "dry-run": {"type": "boolean"},
                        "counts": {
                            "type": "object",
                            "required": COUNTS,
                            "properties": {name: {"type": "integer", "minimum": 0} for name in COUNTS},
                        },
                        **ACCESS,
                    },
                },
            },
        },
    },
}


@blueprint.post("/projects/<project_id>/actions/wipe")
@requires(P.PROJECT_READ, P.PROJECT_WIPE, P.WORKSPACE_DELETE, P.WORKSPACE_FORCE_DELETE, *SEEN_BY)
@describes(
    answer=PROJECT_WIPE,
    parameters=(("dry-run", "true only counts what would be deleted, and tells who would lose access"),),
    errors=(400, 403, 413, 422),
)
def wipe_project(project_id: str) -> Response:
    """Delete all workspaces of a project, with everything in them, and the project's variable sets.

    The project itself stays, with its members, teams, tokens, repository links, environments and tags. The answer has
    the counts of what was deleted; a second wipe counts zero. Workspaces that the caller may not delete stay, and are
    counted as `workspaces-left`: without the permission to delete by force, those that are locked or manage resources.
    As long as one of them is there, the variable sets stay, too.
    """
    refuse_strangers("dry-run")
    is_dry = flag("dry-run")
    counts, access = service.wipe_project(project_id, is_dry=is_dry)
    attributes = {"dry-run": is_dry, "counts": counts, **access}
    return resource_response({"id": project_id, "type": "project-wipes", "attributes": attributes})
