"""The rules of administering users: who can't be suspended or deleted, and what ends with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session, aliased

from app.jsonapi.errors import BadRequest, Forbidden, Unprocessable
from app.models.authentication_tokens import AuthenticationToken
from app.models.organization_memberships import OrganizationMembership
from app.models.organizations import Organization
from app.models.teams import Team, TeamMember
from app.models.users import ADMINISTRATORS, User
from app.models.workspace_lock_holders import release_locks_of
from app.persistence import in_values, now
from app.resources.accounts.sign_in.operations import end_sessions
from app.resources.organizations.organization_memberships.removal import Left, end_project_tokens, levels_of, roles_of

Changes = dict[str, list[Any]]
NAMED_AT_ONCE = 10


class OwnAccount(Forbidden):
    """Nobody suspends or deletes the own account."""

    code = "own-account"
    detail = "You can't suspend or delete your own account; ask another administrator"


class AlreadySuspended(BadRequest):
    """A suspended user can't be suspended again."""

    code = "already-suspended"
    detail = "The user is suspended already"


class NotSuspended(BadRequest):
    """A user who is not suspended can't be unsuspended."""

    code = "not-suspended"
    detail = "The user is not suspended"


class AlreadyAdministrator(BadRequest):
    """An administrator can't be made one again."""

    code = "already-administrator"
    detail = "The user is an administrator already"


class NoAdministrator(BadRequest):
    """Only an administrator can lose this role."""

    code = "no-administrator"
    detail = "The user is no administrator"


class NoAccount(Unprocessable):
    """An invited address has no account yet that could be an administrator's."""

    code = "no-account"
    detail = "The user is only invited; somebody must have an account to become an administrator"


class SoleOwner(Unprocessable):
    """The only owner of an organization can't be deleted, because nobody could administer it afterwards."""

    code = "sole-owner"


@dataclass(frozen=True, slots=True)
class Deletion:
    """What a deleted user had, each with the changes for its event."""

    memberships: Left
    roles: Left
    levels: Left
    tokens: Left
    locks: Left


def revoke_tokens(session: Session, user: User) -> int:
    """Delete all tokens of the user, which stop working at once, and end all sessions; returns the number of tokens."""
    found = session.scalars(
        delete(AuthenticationToken)
        .where(AuthenticationToken.user_id == user.id)
        .returning(AuthenticationToken.__table__.c.id)
        .execution_options(synchronize_session=False)
    ).all()
    end_sessions(session, user.id)
    return len(found)


def suspend(session: Session, user: User) -> Changes:
    """Keep the user out: tokens and sessions end at once, and there will be no new ones. Memberships stay."""
    if user.suspended_at is not None:
        raise AlreadySuspended
    user.suspended_at = now()
    session.flush()
    return {"is-suspended": [False, True], "authentication-tokens": [revoke_tokens(session, user), 0]}


def unsuspend(session: Session, user: User) -> Changes:
    """Let the user in again, with a password or a new token."""
    if user.suspended_at is None:
        raise NotSuspended
    user.suspended_at = None
    session.flush()
    # A request that began before the suspension may have made a token meanwhile. It must not work from now on.
    revoke_tokens(session, user)
    return {"is-suspended": [True, False]}


def change_administration(session: Session, user: User, site_role: str) -> Changes:
    """Make the user an administrator of the site, or an ordinary user."""
    if user.invited_at is not None:
        raise NoAccount
    is_administrator = user.site_role in ADMINISTRATORS
    if is_administrator and site_role in ADMINISTRATORS:
        raise AlreadyAdministrator
    if not is_administrator and site_role not in ADMINISTRATORS:
        raise NoAdministrator
    before, user.site_role = user.site_role, site_role
    session.flush()
    return {"site-role": [before, site_role]}


def delete_user(session: Session, user: User) -> Deletion:
    """Delete the account with its tokens, sessions, memberships, roles and levels; what it created stays.

    The only owner of an organization can't be deleted.
    """
    _check_not_sole_owner(session, user)
    memberships = session.scalars(
        select(OrganizationMembership)
        .where(OrganizationMembership.user_id == user.id)
        .order_by(OrganizationMembership.id)
    ).all()
    identifiers = [membership.id for membership in memberships]
    teams: dict[str, list[str]] = {identifier: [] for identifier in identifiers}
    in_team = (
        select(TeamMember.membership_id, Team.name)
        .join(Team, Team.id == TeamMember.team_id)
        .where(in_values(TeamMember.membership_id, identifiers))
        .order_by(Team.name)
    )
    for membership_id, name in session.execute(in_team):
        teams[membership_id].append(name)
    # ON DELETE CASCADE deletes all of them with the user.
    deletion = Deletion(
        [(each, {"username": [user.username, None], "teams": [teams[each.id], []]}) for each in memberships],
        roles_of(session, identifiers, user.username),
        levels_of(session, identifiers, user.username),
        end_project_tokens(session, identifiers),
        release_locks_of(session, user.__tablename__, user.id),
    )
    session.delete(user)
    session.flush()
    return deletion


def _check_not_sole_owner(session: Session, user: User) -> None:
    owned = session.execute(
        select(Team.id, Organization.name)
        .join(Organization, Organization.id == Team.organization_id)
        .join(TeamMember, TeamMember.team_id == Team.id)
        .join(OrganizationMembership, OrganizationMembership.id == TeamMember.membership_id)
        .where(Team.is_owners, OrganizationMembership.user_id == user.id)
        .order_by(Team.id)
        .with_for_update(of=Team),
    ).all()
    shared = set(_with_other_owners(session, user, [team.id for team in owned]))
    alone = sorted(team.name for team in owned if team.id not in shared)
    if alone:
        named = ", ".join(alone[:NAMED_AT_ONCE]) + (", …" if len(alone) > NAMED_AT_ONCE else "")
        raise SoleOwner(
            f"{user.username} is the only owner of {named}; give each organization another owner, or delete it, first"
        )


def _with_other_owners(session: Session, user: User, owners_teams: Sequence[str]) -> Sequence[str]:
    other = aliased(User)
    return session.scalars(
        select(Team.id).where(
            in_values(Team.id, owners_teams),
            exists()
            .where(
                TeamMember.team_id == Team.id,
                OrganizationMembership.id == TeamMember.membership_id,
                OrganizationMembership.status == "active",
                other.id == OrganizationMembership.user_id,
                other.id != user.id,
                other.suspended_at.is_(None),
            )
            .correlate(Team),
        )
    ).all()
