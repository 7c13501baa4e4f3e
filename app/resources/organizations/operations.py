"""The rules of organizations: what comes with a new one."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.resources.organization_memberships.model import OrganizationMembership
from app.resources.organizations.model import Organization
from app.resources.projects.model import DEFAULT_PROJECT, Project
from app.resources.teams.model import OWNERS, Team, TeamMember


def found_organization(session: Session, members: Mapping[str, Any], user_id: str) -> Organization:
    """A new organization with its default project and its owners team, the user being member and owner."""
    organization = Organization(**members)
    session.add(organization)
    session.flush()
    membership = OrganizationMembership(organization_id=organization.id, user_id=user_id)
    session.add_all(
        [
            membership,
            Team(organization_id=organization.id, name=OWNERS, is_owners=True, visibility="organization"),
            Project(organization_id=organization.id, name=DEFAULT_PROJECT, is_default=True),
        ],
    )
    session.flush()
    make_owner(session, membership)
    return organization


def make_owner(session: Session, membership: OrganizationMembership) -> None:
    """Put the member into the owners team of the organization."""
    owners = session.scalars(
        select(Team).where(Team.organization_id == membership.organization_id, Team.is_owners),
    ).one()
    session.add(TeamMember(team_id=owners.id, membership_id=membership.id))
    session.flush()
