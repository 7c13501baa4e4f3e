"""Policies on plans: what they say, where they count, and what came of it."""

from app.resources.policies.job_policies import routes as job_policies_routes
from app.resources.policies.policies import routes as policies_routes
from app.resources.policies.policy_set_outcomes import routes as policy_set_outcomes_routes
from app.resources.policies.policy_set_parameters import routes as policy_set_parameters_routes
from app.resources.policies.policy_sets import routes as policy_sets_routes

BLUEPRINTS = (
    job_policies_routes.blueprint,
    policies_routes.blueprint,
    policy_set_outcomes_routes.blueprint,
    policy_set_parameters_routes.blueprint,
    policy_sets_routes.blueprint,
)
