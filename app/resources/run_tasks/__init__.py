"""Run tasks: services outside that are asked about runs, and which workspaces ask them."""

from app.resources.run_tasks.tasks import routes as tasks_routes
from app.resources.run_tasks.workspace_tasks import routes as workspace_tasks_routes

BLUEPRINTS = (tasks_routes.blueprint, workspace_tasks_routes.blueprint)
