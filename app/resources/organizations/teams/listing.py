"""Reading teams."""

from sqlalchemy import func, select, true

from app.authz.permissions import P
from app.models.organization_memberships import OrganizationMembership
from app.models.organizations import Organization
from app.models.teams import Team, TeamMember
from app.resources.organizations.teams.linked import TeamMembershipListing
from app.resources.organizations.teams.schema import TeamSchema
from app.web.filters import Contains, OneOf

_NAME = func.lower(Team.name)

TEAMS = TeamMembershipListing(
    schema=TeamSchema,
    model=Team,
    visible_by=P.TEAM_READ,
    columns={
        "id": Team.id,
        "organization_id": Team.organization_id,
        "organization_name": Organization.name,
        "visible_in": Team.visible_in,
        "ordinary_in": Team.ordinary_in,
        "name": Team.name,
        "is_owners": Team.is_owners,
        "visibility": Team.visibility,
        "organization_access": Team.organization_access,
        "sso_team_id": Team.sso_team_id,
        "allow_member_token_management": Team.allow_member_token_management,
        "users_count": select(func.count())
        .select_from(TeamMember)
        .join(OrganizationMembership, OrganizationMembership.id == TeamMember.membership_id)
        .where(TeamMember.team_id == Team.id, OrganizationMembership.status == "active")
        .correlate(Team)
        .scalar_subquery(),
    },
    joined=Team.__table__.join(Organization.__table__),
    order=(_NAME,),
    sorts={"name": (_NAME,)},
    filters=(Contains("q", (Team.name,)), OneOf("filter[names]", Team.name)),
    near=TeamMember.team_id,
    far=TeamMember.membership_id,
    other=OrganizationMembership,
    linked_if=true,
    link_columns={
        "linked_id": OrganizationMembership.id,
        "linked_user_id": OrganizationMembership.user_id,
        "linked_status": OrganizationMembership.status,
    },
    lists={
        # Who is invited is in the team by the membership, and no user of it yet.
        "user_ids": lambda links: [link.linked_user_id for link in links if link.linked_status == "active"],
        "membership_ids": lambda links: [link.linked_id for link in links],
    },
)
