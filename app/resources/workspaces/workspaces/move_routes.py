"""Moving workspaces into a project over HTTP (spec: projects)."""

from flask import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.body import identifiers, resource_list
from app.models.projects import Project
from app.models.workspaces import Workspace
from app.persistence import in_values
from app.resources.workspaces.workspaces.blueprint import blueprint
from app.resources.workspaces.workspaces.moving import WorkspacesNotMovable, move_workspaces
from app.web.answers import no_content
from app.web.guard import describes, requires
from app.web.policy import get_for_update, is_allowed
from app.web.requests import body
from app.web.transaction import record_events, transaction

MOVED_AT_ONCE = 5_000


@blueprint.post("/projects/<project_id>/relationships/workspaces")
@requires(P.PROJECT_READ, P.PROJECT_MOVE_WORKSPACE, P.WORKSPACE_MOVE)
@describes(body={"$ref": "#/components/schemas/workspaces-identifiers"}, status=204, errors=(403, 422))
def move_workspaces_into_project(project_id: str) -> Response:
    """Move workspaces into a project: all of them, or none and 403 with the ids of those that can't be moved."""
    wanted = identifiers(resource_list(body(), ("workspaces",), MOVED_AT_ONCE))
    with transaction() as session:
        # Only kept from going: a lock of its own would wait for who moves one of the workspaces here, and he for it.
        project = get_for_update(session, Project, project_id, P.PROJECT_MOVE_WORKSPACE, share_lock=True)
        workspaces = _movable(session, wanted, project.organization_id)
        moved = move_workspaces(session, workspaces, project)
        session.flush()
        moves = [(workspace, moved[workspace.id]) for workspace in workspaces if workspace.id in moved]
        record_events(session, "workspaces.move", moves)
    return no_content()


def _movable(session: Session, wanted: list[str], organization_id: str) -> list[Workspace]:
    found = session.scalars(
        select(Workspace)
        .where(in_values(Workspace.__table__.c.id, wanted), Workspace.organization_id == organization_id)
        .order_by(Workspace.id)  # always in the same order, so that two moves can't lock each other out
        .with_for_update(),
    )
    movable = {workspace.id: workspace for workspace in found if is_allowed(P.WORKSPACE_MOVE, workspace)}
    refused_ids = [identifier for identifier in dict.fromkeys(wanted) if identifier not in movable]
    if refused_ids:
        raise WorkspacesNotMovable(refused_ids)
    return list(movable.values())
