"""The surface of the API: one folder for each JSON:API type, in the order of the specification."""

from importlib import import_module

from flask import Flask

BLUEPRINTS = (
    "app.resources.service",
    "app.resources.organizations",
    "app.resources.organization_memberships",
    "app.resources.activity_events",
    "app.resources.users",
    "app.resources.authentication_tokens",
    "app.resources.teams",
    "app.resources.team_projects",
    "app.resources.team_workspaces",
    "app.resources.cloud_providers",
    "app.resources.projects",
    "app.resources.repository_links",
    "app.resources.project_members",
    "app.resources.project_wipes",
    "app.resources.environments",
    "app.resources.tag_bindings",
    "app.resources.workspaces",
    "app.resources.workspace_acl_entries",
    "app.resources.invitations",
    "app.resources.agent_pools",
    "app.resources.tags",
    "app.resources.reserved_tag_keys",
    "app.resources.state_versions",
    "app.resources.vars",
    "app.resources.varsets",
    "app.resources.images",
    "app.resources.permissions",
    "app.resources.sign_in",
    "app.resources.invitation_pages",
)


def install(app: Flask) -> None:
    """Register every blueprint. They are named, not imported: tables import each other through this package."""
    for name in BLUEPRINTS:
        app.register_blueprint(import_module(f"{name}.routes").blueprint)
