"""Runs, with all that belongs to them: configuration versions, plans, applies, logs, and the jobs of agents."""

from app.resources.runs.agent_jobs import queue_routes as pool_queue_routes
from app.resources.runs.agent_jobs import routes as agent_jobs_routes
from app.resources.runs.applies import routes as applies_routes
from app.resources.runs.assessment_results import routes as assessment_results_routes
from app.resources.runs.comments import routes as comments_routes
from app.resources.runs.configuration_versions import routes as configuration_versions_routes
from app.resources.runs.logs import routes as logs_routes
from app.resources.runs.plans import routes as plans_routes
from app.resources.runs.policy_evaluations import routes as policy_evaluations_routes
from app.resources.runs.queue import routes as queue_routes
from app.resources.runs.run_events import routes as run_events_routes
from app.resources.runs.run_triggers import routes as run_triggers_routes
from app.resources.runs.runs import routes as runs_routes
from app.resources.runs.task_results import routes as task_results_routes
from app.resources.runs.task_stages import routes as task_stages_routes

BLUEPRINTS = (
    agent_jobs_routes.blueprint,
    applies_routes.blueprint,
    assessment_results_routes.blueprint,
    comments_routes.blueprint,
    configuration_versions_routes.blueprint,
    logs_routes.blueprint,
    plans_routes.blueprint,
    policy_evaluations_routes.blueprint,
    pool_queue_routes.blueprint,
    queue_routes.blueprint,
    run_events_routes.blueprint,
    run_triggers_routes.blueprint,
    runs_routes.blueprint,
    task_results_routes.blueprint,
    task_stages_routes.blueprint,
)
