"""The service itself: health, discovery, its addresses, its background tasks."""

from app.resources.platform.background_tasks import routes as background_tasks_routes
from app.resources.platform.empty_lists import routes as empty_lists_routes
from app.resources.platform.health import routes as health_routes
from app.resources.platform.metrics import routes as metrics_routes
from app.resources.platform.service import routes as service_routes

BLUEPRINTS = (
    background_tasks_routes.blueprint,
    empty_lists_routes.blueprint,
    empty_lists_routes.registry,
    health_routes.blueprint,
    metrics_routes.blueprint,
    service_routes.blueprint,
)
