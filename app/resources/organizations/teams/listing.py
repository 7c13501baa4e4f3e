"""Reading teams."""

from sqlalchemy import case, func, select, true

from app.authz import rules
from app.authz.permissions import P
from app.models.organization_memberships import OrganizationMembership
from app.models.organizations import Organization
from app.models.teams import Team, TeamMember
from app.persistence import case_folded
from app.resources.organizations.teams.linked import TeamMemberLinks
from app.resources.organizations.teams.schema import TeamSchema
from app.web.context import caller
from app.web.filters import Contains, OneOf
from app.web.listing import Listing, plain

_NAME = case_folded(Team.name)

TEAM_LINKS = TeamMemberLinks(
    owner_id=TeamMember.team_id,
    related_id=TeamMember.membership_id,
    other=OrganizationMembership,
    condition=true,
    columns=lambda: {
        "linked_id": OrganizationMembership.id,
        "linked_user_id": OrganizationMembership.user_id,
        "linked_status": OrganizationMembership.status,
        # Members see who is in a team, but not the memberships of others.
        "linked_is_seen": case((rules.where(caller(), P.MEMBERSHIP_READ, OrganizationMembership), 1), else_=0),
    },
    lists={
        # Invited people have a membership in the team, but are not listed among its users yet.
        "user_ids": lambda links: [link.linked_user_id for link in links if link.linked_status == "active"],
        "membership_ids": lambda links: [link.linked_id for link in links if link.linked_is_seen],
    },
)

TEAMS = Listing(
    schema=TeamSchema,
    model=Team,
    columns={
        **plain(Team, "id organization_id"),
        "organization_name": Organization.name,
        **plain(
            Team,
            "visible_in ordinary_in name is_owners visibility organization_access declined_access sso_team_id "
            "allow_member_token_management",
        ),
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
    complete=TEAM_LINKS,
)
