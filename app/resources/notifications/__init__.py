"""Notifications: who is told what happens in workspaces, projects and teams."""

from app.resources.notifications.notification_configurations import routes as notification_configurations_routes

BLUEPRINTS = (notification_configurations_routes.blueprint,)
