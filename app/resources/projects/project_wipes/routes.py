"""Wiping a project over HTTP (mission: D7)."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response

from app.authz.permissions import P
from app.models.projects import Project
from app.models.workspace_deletion import delete_workspaces, lock_workspaces
from app.models.workspaces import Workspace
from app.resources.projects.project_wipes.operations import (
    COUNTED,
    count_contents,
    delete_varsets,
    lock_varsets,
    type_of,
)
from app.web.answers import resource_response
from app.web.guard import describes, requires
from app.web.policy import get_for_update
from app.web.requests import flag
from app.web.transaction import record_event, record_events, transaction

blueprint = Blueprint("project_wipes", __name__, url_prefix="/api/v2")

COUNTS = [type_of(model) for model in COUNTED]
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
                    },
                },
            },
        },
    },
}


@blueprint.post("/projects/<project_id>/actions/wipe")
@requires(P.PROJECT_READ, P.PROJECT_WIPE)
@describes(
    answer=PROJECT_WIPE,
    parameters=(("dry-run", "true only counts what would be deleted"),),
    errors=(400, 403),
)
def wipe_project(project_id: str) -> Response:
    """Delete all workspaces of a project, even locked ones, with everything in them, and the project's variable sets.

    The project itself stays, with its members, teams, tokens, repository links, environments and tags. The answer has
    the counts of what was deleted; a second wipe counts zero.
    """
    is_dry = flag("dry-run")
    with transaction() as session:
        project = get_for_update(session, Project, project_id, P.PROJECT_WIPE)
        workspaces: Sequence[Workspace] = ()
        if not is_dry:
            lock_varsets(session, project)
            workspaces = lock_workspaces(session, Workspace.project_id == project.id)
        counts = count_contents(session, project)
        if any(counts.values()) and not is_dry:
            delete_workspaces(session, workspaces)
            delete_varsets(session, project)
            record_events(session, "workspaces.delete", [(workspace, None) for workspace in workspaces])
            record_event(
                session, "projects.wipe", project, {name: [count, 0] for name, count in counts.items() if count}
            )
    attributes = {"dry-run": is_dry, "counts": counts}
    return resource_response({"id": project_id, "type": "project-wipes", "attributes": attributes})
