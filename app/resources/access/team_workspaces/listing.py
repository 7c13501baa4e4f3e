"""Reading the access of teams to workspaces."""

from sqlalchemy import select

from app.models.expiring_grants import is_in_force
from app.models.organizations import Organization
from app.models.team_workspaces import TeamWorkspace
from app.models.teams import Team
from app.models.workspaces import Workspace
from app.persistence import case_folded
from app.resources.access.team_workspaces.schema import TeamWorkspaceSchema
from app.web.filters import Equals, Holds
from app.web.listing import Listing, plain

_TEAM_NAME = (
    select(case_folded(Team.name)).where(Team.id == TeamWorkspace.team_id).correlate(TeamWorkspace).scalar_subquery()
)

TEAM_WORKSPACES = Listing(
    schema=TeamWorkspaceSchema,
    model=TeamWorkspace,
    only=is_in_force(TeamWorkspace),
    columns={
        **plain(TeamWorkspace, "id organization_id"),
        "organization_name": Organization.name,
        **plain(TeamWorkspace, "shown_project_id shown_workspace_id workspace_id"),
        "workspace_name": Workspace.name,
        **plain(TeamWorkspace, "team_id access details expires_at"),
    },
    joined=TeamWorkspace.__table__.join(Workspace.__table__, Workspace.id == TeamWorkspace.workspace_id).join(
        Organization.__table__,
        Organization.id == TeamWorkspace.organization_id,
    ),
    order=(
        _TEAM_NAME,
        TeamWorkspace.id,
    ),
    filters=(
        Equals("filter[team][id]", TeamWorkspace.team_id),
        Holds("filter[expires]", TeamWorkspace.expires_at.is_not(None)),
    ),
)
