"""The rules of joining and leaving an organization."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Forbidden, NotFound
from app.models.organization_memberships import OrganizationMembership
from app.models.teams import Team, TeamMember
from app.models.users import User
from app.persistence import case_folded, fold_case, now
from app.persistence.identifiers import random_text
from app.resources.organizations.teams.operations import keep_an_owner


class OwnOrganization(Forbidden):
    """Owners can't remove themselves from their organization."""

    code = "own-organization"
    detail = "You cannot remove yourself from an organization that you own"


def user_to_invite(session: Session, email: str) -> tuple[User, bool]:
    """The user with the address, and whether it is new: if nobody has the address, a placeholder is created for it."""
    found = session.scalars(select(User).where(case_folded(User.email) == fold_case(email))).one_or_none()
    if found is not None:
        return found, False
    # The column is not nullable. An invited user's username is a placeholder that is never shown.
    user = User(username=f"invited-{random_text()}", email=email, invited_at=now())
    session.add(user)
    session.flush()
    return user, True


def invite(session: Session, organization_id: str, user: User) -> OrganizationMembership:
    """A membership for the user: active for a user with an account, else invited until there is an account."""
    membership = OrganizationMembership(
        organization_id=organization_id,
        user_id=user.id,
        status="active" if user.invited_at is None else "invited",
    )
    session.add(membership)
    session.flush()
    return membership


def accept_invitations(session: Session, user: User) -> Sequence[OrganizationMembership]:
    """Make the invited memberships of the user active, because there is an account now."""
    user.invited_at = None
    invited = session.scalars(
        select(OrganizationMembership)
        .where(OrganizationMembership.user_id == user.id, OrganizationMembership.status == "invited")
        .with_for_update(),
    ).all()
    for membership in invited:
        membership.status = "active"
    session.flush()
    return invited


def take_over(session: Session, user: User, placeholder: User) -> Sequence[OrganizationMembership]:
    """Move the invited memberships of a placeholder with the user's new address to the user; delete the placeholder."""
    joined = select(OrganizationMembership.organization_id).where(OrganizationMembership.user_id == user.id)
    present = set(session.scalars(joined))
    invited = session.scalars(
        select(OrganizationMembership).where(OrganizationMembership.user_id == placeholder.id).with_for_update(),
    )
    taken = [membership for membership in invited if membership.organization_id not in present]
    for membership in taken:
        membership.user_id = user.id
        membership.status = "active"
    session.flush()
    session.delete(placeholder)
    session.flush()
    return taken


def lock_owners(session: Session, organization_id: str) -> Team:
    """The owners team, locked: nobody joins or leaves it until the transaction ends.

    Call it before a membership is locked, in the same order as changes of a team's members, to avoid deadlocks.
    """
    owners = session.scalars(
        select(Team).where(Team.organization_id == organization_id, Team.is_owners).with_for_update(),
    ).one_or_none()
    if owners is None:  # the organization was deleted meanwhile
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
    """Remove the user from the organization and all its teams. The caller has locked the owners team."""
    session.delete(membership)
    session.flush()
    keep_an_owner(session, owners)
