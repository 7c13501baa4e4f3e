"""The service itself: health, discovery, its addresses, its background tasks."""

from app.resources.platform.background_tasks import routes as background_tasks_routes
from app.resources.platform.empty_lists import routes as empty_lists_routes
from app.resources.platform.service import routes as service_routes

BLUEPRINTS = (
    background_tasks_routes.blueprint,
    empty_lists_routes.blueprint,
    empty_lists_routes.registry,
    service_routes.blueprint,
)
