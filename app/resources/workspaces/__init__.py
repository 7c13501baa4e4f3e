"""Workspaces and their variables, variable sets, states and tags."""

from app.resources.workspaces.state_versions import routes as state_versions_routes
from app.resources.workspaces.tag_bindings import routes as tag_bindings_routes
from app.resources.workspaces.tags import routes as tags_routes
from app.resources.workspaces.vars import routes as vars_routes
from app.resources.workspaces.varsets import routes as varsets_routes
from app.resources.workspaces.workspaces import routes as workspaces_routes

BLUEPRINTS = (
    state_versions_routes.blueprint,
    tag_bindings_routes.blueprint,
    tags_routes.blueprint,
    vars_routes.blueprint,
    varsets_routes.blueprint,
    workspaces_routes.blueprint,
)
