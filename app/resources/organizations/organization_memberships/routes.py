"""Memberships of organizations over HTTP (spec: organization memberships)."""

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.models.organization_memberships import OrganizationMembership
from app.models.teams import Team
from app.models.users import User
from app.resources.organizations.organization_memberships.includes import INCLUDES, OWN_INCLUDES, included, including
from app.resources.organizations.organization_memberships.listing import MEMBERSHIPS, status_counts
from app.resources.organizations.organization_memberships.operations import (
    OwnOrganization,
    invite,
    lock_owners,
    remove_membership,
    teams_of,
    user_to_invite,
)
from app.resources.organizations.organization_memberships.removal import levels_of, roles_of
from app.resources.organizations.organization_memberships.schema import OrganizationMembershipSchema
from app.resources.organizations.teams.operations import add_members
from app.web.answers import no_content, resource_response
from app.web.context import caller
from app.web.guard import describes, requires
from app.web.policy import denial, get_for_update, is_allowed, organization_or_404, require, require_own
from app.web.requests import body
from app.web.transaction import created_changes, record_event, record_events, transaction

blueprint = Blueprint("organization_memberships", __name__, url_prefix="/api/v2")


@blueprint.get("/organizations/<organization>/organization-memberships")
@requires(P.ORGANIZATION_READ, P.MEMBERSHIP_READ)
@describes(listing=MEMBERSHIPS, includes=INCLUDES, errors=(400,))
def list_organization_memberships(organization: str) -> Response:
    """List the memberships of an organization that the caller can see; without further permissions, only their own."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    wanted = includes_of(request.args, INCLUDES)
    counts = {"status-counts": status_counts(org.id)}
    return MEMBERSHIPS.page_response({"organization_id": org.id}, include=including(wanted), meta=counts)


@blueprint.post("/organizations/<organization>/organization-memberships")
@requires(P.MEMBERSHIP_READ, P.MEMBERSHIP_CREATE, P.TEAM_READ, P.TEAM_UPDATE_MEMBERSHIP, P.OWNERS_UPDATE_MEMBERSHIP)
@describes(body=OrganizationMembershipSchema, answer=OrganizationMembershipSchema, status=201, errors=(422,))
def create_organization_membership(organization: str) -> Response:
    """Invite an e-mail address, perhaps into teams; ``included`` has the user.

    A user with an account is a member at once. For an address without an account, a placeholder is created, and the
    membership becomes active when an operator creates the account. The service sends no mail.
    """
    org = organization_or_404(organization, P.MEMBERSHIP_CREATE)
    members = load(OrganizationMembershipSchema, body())
    with transaction() as session:
        # Always in the same order, so that two requests can't wait for each other.
        teams = [_team(session, org.id, team_id) for team_id in sorted(members.get("team_ids", ()))]
        user, is_new = user_to_invite(session, members["email"])
        if is_new:
            record_event(session, "users.create", user)
        membership = invite(session, org.id, user)
        for team in teams:
            add_members(session, team, {membership.id: user.username})
        told = {"email": members["email"], "status": membership.status, "teams": [team.name for team in teams] or None}
        record_event(session, "organization-memberships.create", membership, created_changes(told))
    row = MEMBERSHIPS.get_complete({"id": membership.id})
    shown = MEMBERSHIPS.to_resource(row)
    return resource_response(shown, 201, included=included([row], [shown], {"user"}))


@blueprint.get("/organization-memberships")
@requires(P.MEMBERSHIP_READ)
@describes(listing=MEMBERSHIPS, includes=OWN_INCLUDES, errors=(400,))
def list_own_memberships() -> Response:
    """List the memberships of the calling user, in every organization."""
    user_id = require_own(P.MEMBERSHIP_READ)
    wanted = includes_of(request.args, OWN_INCLUDES)
    return MEMBERSHIPS.page_response({"user_id": user_id}, include=including(wanted))


@blueprint.get("/organization-memberships/<membership_id>")
@requires(P.MEMBERSHIP_READ)
@describes(answer=OrganizationMembershipSchema, includes=INCLUDES, errors=(400,))
def show_organization_membership(membership_id: str) -> Response:
    """Show a membership."""
    wanted = includes_of(request.args, INCLUDES)
    row = MEMBERSHIPS.get_complete({"id": membership_id})
    shown = MEMBERSHIPS.to_resource(row)
    return resource_response(shown, included=included([row], [shown], wanted) if wanted else None)


@blueprint.delete("/organization-memberships/<membership_id>")
@requires(P.MEMBERSHIP_DELETE, P.MEMBERSHIP_READ, P.TEAM_READ, P.OWNERS_UPDATE_MEMBERSHIP)
@describes(status=204, errors=(403,))
def destroy_organization_membership(membership_id: str) -> Response:
    """Remove a user from an organization and all its teams; all access through it ends at once.

    The caller must be able to see all of the user's teams, and only another owner can remove an owner.
    """
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
        # The database takes them away with the membership; a project may lose its last owner so.
        roles, levels = roles_of(session, membership, username), levels_of(session, membership, username)
        remove_membership(session, membership, owners)
        changes = {"username": [username, None], "teams": [[team.name for team in teams], []]}
        record_event(session, "organization-memberships.delete", membership, changes)
        record_events(session, "project-members.delete", roles)
        record_events(session, "workspace-acl-entries.delete", levels)
    return no_content()


def _team(session: Session, organization_id: str, team_id: str) -> Team:
    team = get_for_update(session, Team, team_id, P.TEAM_UPDATE_MEMBERSHIP)
    if team.organization_id != organization_id:
        raise NotFound
    if team.is_owners and not is_allowed(P.OWNERS_UPDATE_MEMBERSHIP, team):
        raise denial(P.OWNERS_UPDATE_MEMBERSHIP)
    return team
