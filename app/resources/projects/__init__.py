"""Projects and what they hold beside workspaces: environments, images, tags, repository links, wipes."""

from app.resources.projects.cloud_providers import routes as cloud_providers_routes
from app.resources.projects.environments import routes as environments_routes
from app.resources.projects.images import routes as images_routes
from app.resources.projects.project_wipes import routes as project_wipes_routes
from app.resources.projects.projects import routes as projects_routes
from app.resources.projects.recoverable_items import routes as recoverable_items_routes
from app.resources.projects.repository_links import routes as repository_links_routes
from app.resources.projects.tag_bindings import routes as tag_bindings_routes

BLUEPRINTS = (
    cloud_providers_routes.blueprint,
    environments_routes.blueprint,
    images_routes.blueprint,
    project_wipes_routes.blueprint,
    projects_routes.blueprint,
    recoverable_items_routes.blueprint,
    repository_links_routes.blueprint,
    tag_bindings_routes.blueprint,
)
