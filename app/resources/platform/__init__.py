"""The service itself: health, discovery, its addresses."""

from app.resources.platform.empty_lists import routes as empty_lists_routes
from app.resources.platform.service import routes as service_routes

BLUEPRINTS = (empty_lists_routes.blueprint, empty_lists_routes.registry, service_routes.blueprint)
