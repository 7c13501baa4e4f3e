"""The record of activity over HTTP."""

from flask import Blueprint, Response
from sqlalchemy import ColumnElement, select

from app.authz.permissions import P
from app.authz.policy import Level
from app.authz.rules import holds_at
from app.jsonapi.errors import NotFound
from app.resources.activity_events.listing import EVENTS
from app.resources.activity_events.model import ActivityEvent
from app.resources.activity_events.schema import ActivityEventSchema
from app.resources.projects.listing import PROJECTS
from app.resources.workspaces.listing import WORKSPACES
from app.web.answers import resource
from app.web.context import caller, enter, reader
from app.web.guard import describes, requires
from app.web.listing import Listing

blueprint = Blueprint("activity_events", __name__, url_prefix="/api/v2")


@blueprint.get("/organizations/<organization>/activity-events")
@requires(P.ORGANIZATION_READ, P.ACTIVITY_READ)
@describes(listing=EVENTS, errors=(400,))
def list_organization_activity(organization: str) -> Response:
    """List what happened in an organization, newest first: what the caller may read of it."""
    home = enter(organization, P.ORGANIZATION_READ)
    return EVENTS.page({"organization_id": home.id})


@blueprint.get("/projects/<project_id>/activity-events")
@requires(P.PROJECT_READ, P.ACTIVITY_READ)
@describes(listing=EVENTS, errors=(400,))
def list_project_activity(project_id: str) -> Response:
    """List what happened in a project, newest first, also to what is gone.

    Of a project that is gone itself, whoever reads the activity of its whole organization sees the events.
    """
    _check_seen(PROJECTS, project_id, ActivityEvent.project_id == project_id)
    return EVENTS.page({"project_id": project_id})


@blueprint.get("/workspaces/<workspace_id>/activity-events")
@requires(P.WORKSPACE_READ, P.ACTIVITY_READ)
@describes(listing=EVENTS, errors=(400,))
def list_workspace_activity(workspace_id: str) -> Response:
    """List what happened to a workspace, newest first. Of one that is gone see the activity of projects."""
    _check_seen(WORKSPACES, workspace_id, ActivityEvent.workspace_id == workspace_id)
    return EVENTS.page({"workspace_id": workspace_id})


@blueprint.get("/activity-events/<event_id>")
@requires(P.ACTIVITY_READ)
@describes(answer=ActivityEventSchema)
def show_activity_event(event_id: str) -> Response:
    """Show one event."""
    return resource(EVENTS.show({"id": event_id}))


def _check_seen(listing: Listing, identifier: str, is_of_it: ColumnElement[bool]) -> None:
    try:
        listing.one({"id": identifier})
    except NotFound:
        organization_id = reader().scalar(select(ActivityEvent.organization_id).where(is_of_it).limit(1))
        if not holds_at(caller(), P.ACTIVITY_READ, Level.ORGANIZATION, organization_id):
            raise
