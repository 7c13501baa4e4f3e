"""The rules of leaving an organization."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Forbidden, NotFound
from app.resources.organization_memberships.model import OrganizationMembership
from app.resources.teams.model import Team, TeamMember
from app.resources.teams.operations import keep_an_owner


class OwnOrganization(Forbidden):
    """Nobody removes himself from what he owns."""

    code = "own-organization"
    detail = "You cannot remove yourself from an organization that you own"


def lock_owners(session: Session, organization_id: str) -> Team:
    """The owners team, locked: nobody joins or leaves it until the transaction ends.

    To be called before a membership is locked, as changes of a team's members do it, so that the two can't lock each
    other out.
    """
    owners = session.scalars(
        select(Team).where(Team.organization_id == organization_id, Team.is_owners).with_for_update(),
    ).one_or_none()
    if owners is None:  # the organization was deleted since the caller entered it
        raise NotFound
    return owners


def teams_of(session: Session, membership: OrganizationMembership) -> Sequence[Team]:
    """The teams that the member is in, by name."""
    return session.scalars(
        select(Team)
        .join(TeamMember, TeamMember.team_id == Team.id)
        .where(TeamMember.membership_id == membership.id)
        .order_by(Team.name),
    ).all()


def remove_membership(session: Session, membership: OrganizationMembership, owners: Team) -> None:
    """Take the user out of the organization and of all its teams; the owners team is locked."""
    session.delete(membership)
    session.flush()
    keep_an_owner(session, owners)
