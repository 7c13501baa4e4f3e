"""Use cases of teams: each checks the caller, changes in one transaction and records its event."""

from typing import Any

from app.authentication.callers import OrganizationRef
from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.models.teams import Team
from app.resources.organizations.teams.listing import TEAMS
from app.resources.organizations.teams.operations import (
    Finder,
    add_members,
    delete_team,
    normalize_access,
    remove_members,
)
from app.web.listing import ResourceObject
from app.web.policy import get_for_update, is_allowed, require
from app.web.transaction import apply_changes, created_changes, record_event, record_events, transaction


def create_team(org: OrganizationRef, members: dict[str, Any]) -> ResourceObject:
    """Create a team. The status is 200, not 201, as with HCP Terraform."""
    with transaction() as session:
        team = Team(organization_id=org.id, is_owners=False, visibility="secret", organization_access=[])
        normalized = normalize_access(members, team)
        apply_changes(team, normalized)
        _check_rights(team, P.TEAM_UPDATE, sets_access=bool(team.organization_access))
        session.add(team)
        session.flush()
        record_event(session, "teams.create", team, created_changes({**normalized, "visibility": team.visibility}))
        session.flush()
        return TEAMS.get_resource({"id": team.id}, session)


ACCESS = {"organization-access", "declined-access"}


def update_team(team_id: str, needed: P, members: dict[str, Any]) -> ResourceObject:
    """Update a team; attributes and flags of its organization-access that are left out stay as they are."""
    with transaction() as session:
        team = get_for_update(session, Team, team_id, needed)
        _check_owners(team)
        changes = apply_changes(team, normalize_access(members, team))
        _check_rights(team, needed, sets_access=not changes.keys().isdisjoint(ACCESS))
        session.flush()
        if changes:
            record_event(session, "teams.update", team, changes)
        return TEAMS.get_resource({"id": team_id}, session)


def destroy_team(team_id: str) -> None:
    """Delete a team."""
    with transaction() as session:
        team = get_for_update(session, Team, team_id, P.TEAM_DELETE)
        released = delete_team(session, team)
        record_events(session, "workspaces.force-unlock", released)
        record_event(session, "teams.delete", team)


def add_to_team(team_id: str, find: Finder, wanted: list[str]) -> None:
    """Add the users or memberships that ``find`` finds by these names or ids to the team."""
    with transaction() as session:
        team = get_for_update(session, Team, team_id, P.TEAM_UPDATE_MEMBERSHIP)
        _check_owners(team)
        members = find(session, team, wanted)
        add_members(session, team, members)
        if members:
            joined = {username: [None, membership_id] for membership_id, username in members.items()}
            record_event(session, "teams.add-members", team, {"members": joined})


def remove_from_team(team_id: str, find: Finder, wanted: list[str]) -> None:
    """Remove the users or memberships that ``find`` finds by these names or ids from the team."""
    with transaction() as session:
        team = get_for_update(session, Team, team_id, P.TEAM_UPDATE_MEMBERSHIP)
        _check_owners(team)
        members = find(session, team, wanted)
        remove_members(session, team, members)
        if members:
            left = {username: [membership_id, None] for membership_id, username in members.items()}
            record_event(session, "teams.remove-members", team, {"members": left})


def _check_owners(team: Team) -> None:
    # A caller who can join or change the owners team owns the organization, so managing teams is not enough for that.
    if team.is_owners:
        require(P.OWNERS_UPDATE_MEMBERSHIP, team)


def _check_rights(team: Team, needed: P, *, sets_access: bool) -> None:
    if not is_allowed(needed, team):
        raise NotFound
    if sets_access:
        require(P.TEAM_UPDATE_ORGANIZATION_ACCESS, team)
