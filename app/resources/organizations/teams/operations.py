"""The rules of teams: organization-access, the owners team, adding and removing members."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import BadRequest, Forbidden
from app.models.organization_memberships import OrganizationMembership
from app.models.teams import Team, TeamMember
from app.models.users import User
from app.models.workspace_lock_holders import Released, release_locks_of
from app.persistence import case_folded, fold_case, in_values
from app.resources.organizations.organizations.operations import refuse_identity_provider
from app.resources.organizations.teams.access import FLAGS, merge_access, merge_declined

Members = Mapping[str, str]
"""Usernames by membership id."""


class OwnersTeam(Forbidden):
    """The owners team can't be deleted, renamed or limited."""

    code = "owners-team"


class LastOwner(Forbidden):
    """An organization must keep at least one owner."""

    code = "last-owner"
    detail = "The owners team must keep at least one active member"


def normalize_access(members: Mapping[str, Any], team: Team) -> dict[str, Any]:
    """The attributes, with the list of all true flags instead of the flags that were sent."""
    normalized = dict(members)
    refuse_identity_provider(normalized, "sso_team_id", team.sso_team_id)
    given = normalized.pop("organization_access", None) or {}
    if team.is_owners:
        _check_owners_team(normalized, given, team)
    elif given:
        normalized["organization_access"] = merge_access(team.organization_access, given)
        normalized["declined_access"] = merge_declined(
            team.declined_access or (), given, normalized["organization_access"]
        )
    return normalized


def _check_owners_team(members: Mapping[str, Any], given: Mapping[str, bool], team: Team) -> None:
    # A client that sends the owners team back as it was read changes nothing; every flag was shown as true.
    if members.get("name", team.name) != team.name:
        raise OwnersTeam("The owners team cannot be renamed")
    if members.get("visibility", team.visibility) != team.visibility:
        raise OwnersTeam("The visibility of the owners team cannot be changed")
    if not all(given.get(flag, True) for flag in FLAGS):
        raise OwnersTeam("The organization access of the owners team cannot be changed")


def delete_team(session: Session, team: Team) -> Released:
    """Delete the team, its access and its locks; its members stay in the organization."""
    if team.is_owners:
        raise OwnersTeam("The owners team cannot be deleted")
    released = release_locks_of(session, team.__tablename__, team.id)
    session.delete(team)
    session.flush()
    return released


def members_by_username(session: Session, team: Team, names: Sequence[str]) -> Members:
    """The members of the organization with these usernames, without regard to case, or ids of users."""
    found = session.execute(
        select(User.id, User.username, OrganizationMembership.id.label("membership_id"))
        .outerjoin(
            OrganizationMembership,
            and_(
                OrganizationMembership.user_id == User.id,
                OrganizationMembership.organization_id == team.organization_id,
            ),
        )
        .where(
            or_(in_values(User.id, names), in_values(case_folded(User.username), [fold_case(name) for name in names]))
        ),
    ).all()
    # An id means its user, even if another user has chosen it as their username.
    known = {fold_case(row.username): row for row in found}
    by_id = {row.id: row for row in found}
    members = {}
    for index, name in enumerate(names):
        row = by_id.get(name) or known.get(fold_case(name))
        if row is None:
            raise BadRequest(f"{name} does not exist", pointer=f"/data/{index}/id")
        if row.membership_id is None:
            raise BadRequest(f"{name} is not a member of the organization", pointer=f"/data/{index}/id")
        members[row.membership_id] = row.username
    return members


def members_by_id(session: Session, team: Team, identifiers: Sequence[str]) -> Members:
    """The memberships of the organization with these ids."""
    found = {
        row.id: row.username
        for row in session.execute(
            select(OrganizationMembership.id, User.username)
            .join(User, User.id == OrganizationMembership.user_id)
            .where(
                in_values(OrganizationMembership.id, identifiers),
                OrganizationMembership.organization_id == team.organization_id,
            ),
        )
    }
    for index, identifier in enumerate(identifiers):
        if identifier not in found:
            raise BadRequest(f"{identifier} does not exist", pointer=f"/data/{index}/id")
    return {identifier: found[identifier] for identifier in identifiers}


Finder = Callable[[Session, Team, Sequence[str]], Members]


def add_members(session: Session, team: Team, members: Members) -> None:
    """Add the members to the team: all, or none and 400 if one is in it already.

    The caller has locked the team's row, as for the functions below, so changes of members happen one after the other.
    """
    present = _in_team(session, team, members)
    for index, (membership_id, username) in enumerate(members.items()):
        if membership_id in present:
            raise BadRequest(f"{username} is already a member of the team", pointer=f"/data/{index}/id")
    session.add_all([TeamMember(team_id=team.id, membership_id=membership_id) for membership_id in members])
    session.flush()


def remove_members(session: Session, team: Team, members: Members) -> None:
    """Remove the members from the team: all, or none and 400 if one is not in it."""
    present = _in_team(session, team, members)
    for index, (membership_id, username) in enumerate(members.items()):
        if membership_id not in present:
            raise BadRequest(f"{username} is not a member of the team", pointer=f"/data/{index}/id")
    session.execute(
        delete(TeamMember).where(TeamMember.team_id == team.id, in_values(TeamMember.membership_id, list(members))),
    )
    if team.is_owners:
        keep_an_owner(session, team)


def keep_an_owner(session: Session, owners: Team) -> None:
    """Refuse a change that has left the owners team without an active member who is not suspended."""
    active = (
        select(TeamMember.membership_id)
        .join(OrganizationMembership, OrganizationMembership.id == TeamMember.membership_id)
        .join(User, User.id == OrganizationMembership.user_id)
        .where(
            TeamMember.team_id == owners.id,
            OrganizationMembership.status == "active",
            User.suspended_at.is_(None),
        )
    )
    if session.scalar(active.limit(1)) is None:
        raise LastOwner


def _in_team(session: Session, team: Team, members: Members) -> Sequence[str]:
    return session.scalars(
        select(TeamMember.membership_id).where(
            TeamMember.team_id == team.id,
            in_values(TeamMember.membership_id, list(members)),
        ),
    ).all()
