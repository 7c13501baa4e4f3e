"""The record of activity: events and the audit trail."""

from app.resources.activity.activity_events import routes as activity_events_routes

BLUEPRINTS = (activity_events_routes.blueprint,)
