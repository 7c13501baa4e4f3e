"""Reading the access of teams to projects."""

from sqlalchemy import select

from app.models.expiring_grants import is_in_force
from app.models.team_projects import TeamProject
from app.models.teams import Team
from app.persistence import case_folded
from app.resources.access.team_projects.schema import TeamProjectSchema
from app.web.filters import Equals, Holds
from app.web.listing import Listing, plain

TEAM_PROJECTS = Listing(
    schema=TeamProjectSchema,
    model=TeamProject,
    only=is_in_force(TeamProject),
    columns={
        **plain(TeamProject, "id organization_id shown_project_id project_id team_id access details expires_at"),
    },
    joined=TeamProject.__table__,
    order=(
        select(case_folded(Team.name)).where(Team.id == TeamProject.team_id).correlate(TeamProject).scalar_subquery(),
        TeamProject.id,
    ),
    filters=(
        Equals("filter[team][id]", TeamProject.team_id),
        Holds("filter[expires]", TeamProject.expires_at.is_not(None)),
    ),
)
