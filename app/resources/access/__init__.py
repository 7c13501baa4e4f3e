"""Access to projects and workspaces: members, teams, access lists, invitations, and explanations of permissions."""

from app.resources.access.access_reports import routes as access_reports_routes
from app.resources.access.invitation_pages import routes as invitation_pages_routes
from app.resources.access.invitations import routes as invitations_routes
from app.resources.access.permissions import routes as permissions_routes
from app.resources.access.project_members import routes as project_members_routes
from app.resources.access.team_projects import routes as team_projects_routes
from app.resources.access.team_workspaces import routes as team_workspaces_routes
from app.resources.access.workspace_acl_entries import routes as workspace_acl_entries_routes
from app.resources.access.workspaces_by_name import routes as workspaces_by_name_routes

BLUEPRINTS = (
    access_reports_routes.blueprint,
    invitation_pages_routes.blueprint,
    invitations_routes.blueprint,
    permissions_routes.blueprint,
    project_members_routes.blueprint,
    team_projects_routes.blueprint,
    team_workspaces_routes.blueprint,
    workspace_acl_entries_routes.blueprint,
    workspaces_by_name_routes.blueprint,
)
