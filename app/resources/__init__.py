"""The API by domain. Each domain has a folder, and in it one folder for each JSON:API type.

A domain imports only the domains below it; ``DOMAINS`` has them from the lowest to the highest.
"""

from flask import Flask

from app.resources import (
    access,
    accounts,
    activity,
    notifications,
    organizations,
    platform,
    policies,
    projects,
    run_tasks,
    runs,
    workspaces,
)
from app.resources.projects.projects.listing import PROJECTS
from app.resources.runs.applies.listing import APPLIES
from app.resources.runs.assessment_results.listing import ASSESSMENT_RESULTS
from app.resources.runs.configuration_versions.listing import CONFIGURATION_VERSIONS
from app.resources.runs.plans.listing import PLANS
from app.resources.runs.runs.listing import RUNS
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.web.includes import register_included

DOMAINS = (
    accounts,
    organizations,
    projects,
    workspaces,
    runs,
    policies,
    run_tasks,
    notifications,
    access,
    activity,
    platform,
)


def install(app: Flask) -> None:
    """Register every blueprint, and the listings that documents of lower domains include from."""
    for domain in DOMAINS:
        for blueprint in domain.BLUEPRINTS:
            app.register_blueprint(blueprint)
    for listing in (PROJECTS, WORKSPACES, CONFIGURATION_VERSIONS, RUNS, PLANS, APPLIES, ASSESSMENT_RESULTS):
        register_included(listing.model, listing.find_many)
