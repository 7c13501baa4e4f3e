"""Notification configurations over HTTP (spec: notification configurations)."""

from typing import Final

from flask import Blueprint, Response

from app.authz.permissions import P
from app.jsonapi.schema import load
from app.models.notification_configurations import NotificationConfiguration
from app.resources.notifications.notification_configurations import service
from app.resources.notifications.notification_configurations.listing import (
    CONFIGURATIONS,
    get_parent,
    get_resource,
    get_stored,
)
from app.resources.notifications.notification_configurations.schema import (
    NotificationConfigurationSchema,
    TeamNotificationConfigurationSchema,
)
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.requests import body

blueprint = Blueprint("notification_configurations", __name__, url_prefix="/api/v2")

ANY: Final = (P.WORKSPACE_MANAGE_NOTIFICATIONS, P.PROJECT_MANAGE_NOTIFICATIONS, P.TEAM_MANAGE_NOTIFICATIONS)


@blueprint.get("/workspaces/<workspace_id>/notification-configurations")
@requires(P.WORKSPACE_MANAGE_NOTIFICATIONS)
@describes(listing=CONFIGURATIONS, paged=False, errors=(400,))
def list_workspace_notification_configurations(workspace_id: str) -> Response:
    """List the notification configurations of a workspace; those of its project are listed there."""
    return _list("workspace_id", workspace_id)


@blueprint.post("/workspaces/<workspace_id>/notification-configurations")
@requires(P.WORKSPACE_MANAGE_NOTIFICATIONS)
@describes(
    body=NotificationConfigurationSchema,
    answer=NotificationConfigurationSchema,
    status=201,
    errors=(400, 422, 429),
)
def create_workspace_notification_configuration(workspace_id: str) -> Response:
    """Have a destination told what happens in a workspace.

    If it is enabled and no `email`, its address must answer a verification with a status of success, else nothing is
    made and the answer is 400.
    """
    return _create("workspace_id", workspace_id)


@blueprint.get("/projects/<project_id>/notification-configurations")
@requires(P.PROJECT_MANAGE_NOTIFICATIONS, P.WORKSPACE_MANAGE_NOTIFICATIONS)
@describes(listing=CONFIGURATIONS, paged=False, errors=(400,))
def list_project_notification_configurations(project_id: str) -> Response:
    """List the notification configurations of a project."""
    return _list("own_project_id", project_id)


@blueprint.post("/projects/<project_id>/notification-configurations")
@requires(P.PROJECT_MANAGE_NOTIFICATIONS)
@describes(
    body=NotificationConfigurationSchema,
    answer=NotificationConfigurationSchema,
    status=201,
    errors=(400, 422, 429),
)
def create_project_notification_configuration(project_id: str) -> Response:
    """Have a destination told what happens in all workspaces of a project, whichever are in it at that time."""
    return _create("own_project_id", project_id)


@blueprint.get("/teams/<team_id>/notification-configurations")
@requires(P.TEAM_MANAGE_NOTIFICATIONS, P.WORKSPACE_MANAGE_NOTIFICATIONS)
@describes(listing=CONFIGURATIONS, paged=False, errors=(400,))
def list_team_notification_configurations(team_id: str) -> Response:
    """List the notification configurations of a team."""
    return _list("team_id", team_id)


@blueprint.post("/teams/<team_id>/notification-configurations")
@requires(P.TEAM_MANAGE_NOTIFICATIONS)
@describes(
    body=TeamNotificationConfigurationSchema,
    answer=NotificationConfigurationSchema,
    status=201,
    errors=(400, 422, 429),
)
def create_team_notification_configuration(team_id: str) -> Response:
    """Have a destination told of change requests, of which there are none yet; it can be verified."""
    return _create("team_id", team_id)


@blueprint.get("/notification-configurations/<configuration_id>")
@requires(*ANY)
@describes(answer=NotificationConfigurationSchema)
def show_notification_configuration(configuration_id: str) -> Response:
    """Show a notification configuration, without its token."""
    get_stored(configuration_id)
    return resource_response(get_resource(configuration_id))


@blueprint.patch("/notification-configurations/<configuration_id>")
@requires(*ANY)
@describes(
    body=NotificationConfigurationSchema,
    is_partial=True,
    answer=NotificationConfigurationSchema,
    errors=(400, 409, 422, 429),
)
def update_notification_configuration(configuration_id: str) -> Response:
    """Change a notification configuration.

    If it is enabled afterwards, a change of the address or the token, and enabling it, send a verification.
    """
    members = load(NotificationConfigurationSchema, body(), partial=True, identifier=configuration_id)
    return resource_response(service.update_configuration(configuration_id, members))


@blueprint.delete("/notification-configurations/<configuration_id>")
@requires(*ANY)
@describes(status=204)
def destroy_notification_configuration(configuration_id: str) -> Response:
    """Delete a notification configuration."""
    service.destroy_configuration(configuration_id)
    return no_content()


@blueprint.post("/notification-configurations/<configuration_id>/actions/verify")
@requires(*ANY)
@describes(answer=NotificationConfigurationSchema, errors=(400, 409, 429))
def verify_notification_configuration(configuration_id: str) -> Response:
    """Send a verification to the destination, and show its answer in `delivery-responses`.

    The status is 400 if it was not accepted. An `email` configuration sends a message to each address, at most once a
    minute, unless one of them has got too many within an hour.
    """
    return resource_response(service.verify_configuration(configuration_id))


@blueprint.post("/notification-configurations/<configuration_id>/actions/enable")
@requires(*ANY)
@describes(answer=NotificationConfigurationSchema, errors=(400, 409, 429))
def enable_notification_configuration(configuration_id: str) -> Response:
    """Enable a notification configuration, if its destination accepts a verification."""
    shown = service.update_configuration(configuration_id, {"enabled": True}, "notification-configurations.enable")
    return resource_response(shown)


def _list(column: str, parent_id: str) -> Response:
    get_parent(column, parent_id)
    held = NotificationConfiguration.__table__.c[column] == parent_id
    # The question was asked of the workspace, project or team.
    return CONFIGURATIONS.page_response({column: parent_id}, paged=False, visible_where=held)


def _create(column: str, parent_id: str) -> Response:
    # Whoever may not see it learns nothing about their document.
    get_parent(column, parent_id)
    members = load(NotificationConfigurationSchema, body())
    return resource_response(service.create_configuration(column, parent_id, members), 201)
