"""The record of activity over HTTP."""

from typing import Any

import orjson
from flask import Blueprint, Response, request
from sqlalchemy import ColumnElement, select

from app.authentication.callers import OrganizationRef
from app.authz.permissions import P
from app.authz.policy import Level
from app.jsonapi.errors import NotFound
from app.jsonapi.query import page_of
from app.models.activity_events import ActivityEvent
from app.models.projects import Project
from app.models.workspaces import Workspace
from app.persistence import Base
from app.resources.activity.activity_events.audit_trail import AT_ONCE, TRAIL, trail_page
from app.resources.activity.activity_events.listing import EVENTS
from app.resources.activity.activity_events.schema import ActivityEventSchema
from app.web.answers import resource_response
from app.web.context import caller, reader
from app.web.filters import moment_of
from app.web.guard import describes, requires
from app.web.policy import denial, get_visible, is_allowed_at, organization_or_404

blueprint = Blueprint("activity_events", __name__, url_prefix="/api/v2")


@blueprint.get("/organizations/<organization>/activity-events")
@requires(P.ORGANIZATION_READ, P.ACTIVITY_READ, P.ENVIRONMENT_READ, P.PROJECT_READ, P.WORKSPACE_READ)
@describes(listing=EVENTS, errors=(400,))
def list_organization_activity(organization: str) -> Response:
    """List the events of an organization that the caller may read, newest first."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    return EVENTS.page_response({"organization_id": org.id})


@blueprint.get("/projects/<project_id>/activity-events")
@requires(P.PROJECT_READ, P.ACTIVITY_READ, P.ENVIRONMENT_READ, P.WORKSPACE_READ)
@describes(listing=EVENTS, errors=(400,))
def list_project_activity(project_id: str) -> Response:
    """List what happened in a project, newest first, also to resources that were deleted.

    The events of a deleted project are shown to callers who may read the activity of the whole organization.
    """
    _check_seen(Project, project_id, ActivityEvent.project_id == project_id)
    return EVENTS.page_response({"project_id": project_id})


@blueprint.get("/workspaces/<workspace_id>/activity-events")
@requires(P.WORKSPACE_READ, P.ACTIVITY_READ, P.ENVIRONMENT_READ, P.PROJECT_READ)
@describes(listing=EVENTS, errors=(400,))
def list_workspace_activity(workspace_id: str) -> Response:
    """List what happened to a workspace, newest first. A deleted one needs the same permission as a deleted project."""
    _check_seen(Workspace, workspace_id, ActivityEvent.workspace_id == workspace_id)
    return EVENTS.page_response({"workspace_id": workspace_id})


@blueprint.get("/activity-events/<event_id>")
@requires(P.ACTIVITY_READ, P.ENVIRONMENT_READ, P.PROJECT_READ, P.WORKSPACE_READ)
@describes(answer=ActivityEventSchema)
def show_activity_event(event_id: str) -> Response:
    """Show one event."""
    return resource_response(EVENTS.get_resource({"id": event_id}))


@blueprint.get("/organization/audit-trail")
@requires(P.AUDIT_TRAIL_READ)
@describes(
    answer=TRAIL,
    is_plain=True,
    parameters=(
        ("since", "Only what happened after this moment (ISO 8601)"),
        ("page[number]", "Which page, from 1"),
        ("page[size]", f"How many on a page, at most and by default {AT_ONCE}"),
    ),
    errors=(400,),
)
def show_organization_audit_trail() -> Response:
    """Show what happened in the organization that the token belongs to, oldest first, in the form of an audit trail."""
    org = _organization_of_token()
    page = page_of(request.args, AT_ONCE, AT_ONCE)
    shown: dict[str, Any] = trail_page(reader(), org.id, moment_of(request.args, "since"), page)
    return Response(orjson.dumps(shown), content_type="application/json")


def _organization_of_token() -> OrganizationRef:
    for org in caller().organizations.values():
        if is_allowed_at(P.AUDIT_TRAIL_READ, Level.ORGANIZATION, org.id):
            return org
    raise denial(P.AUDIT_TRAIL_READ)


def _check_seen(model: type[Base], identifier: str, is_of_it: ColumnElement[bool]) -> None:
    try:
        get_visible(model, identifier)
    except NotFound:
        organization_id = reader().scalar(select(ActivityEvent.organization_id).where(is_of_it).limit(1))
        if not is_allowed_at(P.ACTIVITY_READ, Level.ORGANIZATION, organization_id):
            raise
