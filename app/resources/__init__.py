"""The surface of the API: one folder for each JSON:API type, in the order of the specification."""

from importlib import import_module

from flask import Flask

BLUEPRINTS = (
    "app.resources.platform.service",
    "app.resources.organizations.organizations",
    "app.resources.organizations.organization_memberships",
    "app.resources.activity.activity_events",
    "app.resources.accounts.users",
    "app.resources.accounts.authentication_tokens",
    "app.resources.organizations.teams",
    "app.resources.access.team_projects",
    "app.resources.access.team_workspaces",
    "app.resources.projects.cloud_providers",
    "app.resources.projects.projects",
    "app.resources.projects.repository_links",
    "app.resources.access.project_members",
    "app.resources.projects.project_wipes",
    "app.resources.projects.environments",
    "app.resources.projects.tag_bindings",
    "app.resources.workspaces.workspaces",
    "app.resources.access.workspace_acl_entries",
    "app.resources.access.invitations",
    "app.resources.organizations.agent_pools",
    "app.resources.workspaces.tags",
    "app.resources.organizations.reserved_tag_keys",
    "app.resources.workspaces.state_versions",
    "app.resources.workspaces.vars",
    "app.resources.workspaces.varsets",
    "app.resources.projects.images",
    "app.resources.access.permissions",
    "app.resources.accounts.sign_in",
    "app.resources.access.invitation_pages",
)


def install(app: Flask) -> None:
    """Register every blueprint. They are named, not imported: tables import each other through this package."""
    for name in BLUEPRINTS:
        app.register_blueprint(import_module(f"{name}.routes").blueprint)
