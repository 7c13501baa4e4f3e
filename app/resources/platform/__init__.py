"""The service itself: health, discovery, its addresses."""

from app.resources.platform.service import routes as service_routes

BLUEPRINTS = (service_routes.blueprint,)
