"""Use cases of organization memberships: each checks the caller, changes in one transaction and records its event."""

from typing import Any

from sqlalchemy.orm import Session

from app.authentication.callers import OrganizationRef
from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.models.organization_memberships import OrganizationMembership
from app.models.teams import Team
from app.models.users import User
from app.resources.organizations.organization_memberships.listing import MEMBERSHIPS
from app.resources.organizations.organization_memberships.operations import (
    OwnOrganization,
    invite,
    lock_owners,
    remove_membership,
    teams_of,
    user_to_invite,
)
from app.resources.organizations.organization_memberships.removal import end_project_tokens, levels_of, roles_of
from app.resources.organizations.teams.operations import add_members
from app.web.context import caller
from app.web.policy import denial, get_for_update, is_allowed, require
from app.web.transaction import created_changes, record_event, record_events, transaction


def create_organization_membership(org: OrganizationRef, members: dict[str, Any]) -> str:
    """Invite an e-mail address, perhaps into teams; returns the id of the membership."""
    with transaction() as session:
        # Always in the same order, so that two requests can't deadlock.
        teams = [_lock_team(session, org.id, team_id) for team_id in sorted(members.get("team_ids", ()))]
        user, is_new = user_to_invite(session, members["email"])
        if is_new:
            record_event(session, "users.create", user)
        membership = invite(session, org.id, user)
        for team in teams:
            add_members(session, team, {membership.id: user.username})
        granted = {
            "email": members["email"],
            "status": membership.status,
            "teams": [team.name for team in teams] or None,
        }
        record_event(session, "organization-memberships.create", membership, created_changes(granted))
        return membership.id


def destroy_organization_membership(membership_id: str) -> None:
    """Remove a user from an organization and all its teams; all access through it ends at once."""
    with transaction() as session:
        owners = lock_owners(session, MEMBERSHIPS.get({"id": membership_id}, session).organization_id)
        membership = get_for_update(session, OrganizationMembership, membership_id, P.MEMBERSHIP_DELETE)
        teams = teams_of(session, membership)
        if not all(is_allowed(P.TEAM_READ, team) for team in teams):
            raise denial(P.TEAM_READ)
        if owners in teams:
            if membership.user_id == caller().user_id:
                raise OwnOrganization
            require(P.OWNERS_UPDATE_MEMBERSHIP, owners)
        username = session.get_one(User, membership.user_id).username
        # ON DELETE CASCADE deletes these with the membership, even if a project loses its last owner.
        roles, levels = (find(session, [membership.id], username) for find in (roles_of, levels_of))
        tokens = end_project_tokens(session, [membership.id])
        remove_membership(session, membership, owners)
        changes = {"username": [username, None], "teams": [[team.name for team in teams], []]}
        record_event(session, "organization-memberships.delete", membership, changes)
        record_events(session, "project-members.delete", roles)
        record_events(session, "workspace-acl-entries.delete", levels)
        record_events(session, "authentication-tokens.delete", tokens)


def _lock_team(session: Session, organization_id: str, team_id: str) -> Team:
    team = get_for_update(session, Team, team_id, P.TEAM_UPDATE_MEMBERSHIP)
    if team.organization_id != organization_id:
        raise NotFound
    if team.is_owners:
        require(P.OWNERS_UPDATE_MEMBERSHIP, team)
    return team
