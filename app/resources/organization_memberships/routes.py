"""Memberships of organizations over HTTP (spec: organization memberships)."""

from flask import Blueprint, Response, request

from app.authz.permissions import P
from app.authz.rules import holds
from app.jsonapi.query import includes_of
from app.resources.organization_memberships.includes import INCLUDES, OWN_INCLUDES, included, including
from app.resources.organization_memberships.listing import MEMBERSHIPS, status_counts
from app.resources.organization_memberships.model import OrganizationMembership
from app.resources.organization_memberships.operations import (
    OwnOrganization,
    lock_owners,
    remove_membership,
    teams_of,
)
from app.resources.organization_memberships.schema import OrganizationMembershipSchema
from app.resources.users.model import User
from app.web.answers import nothing, resource
from app.web.context import caller, enter, refused, require_own, subject
from app.web.guard import describes, requires
from app.web.transaction import change, record

blueprint = Blueprint("organization_memberships", __name__, url_prefix="/api/v2")


@blueprint.get("/organizations/<organization>/organization-memberships")
@requires(P.ORGANIZATION_READ, P.MEMBERSHIP_READ)
@describes(listing=MEMBERSHIPS, includes=INCLUDES, errors=(400,))
def list_organization_memberships(organization: str) -> Response:
    """List the memberships in an organization that the caller can see: without a right to more, the own one."""
    home = enter(organization, P.ORGANIZATION_READ)
    wanted = includes_of(request.args, INCLUDES)
    counts = {"status-counts": status_counts(home.id)}
    return MEMBERSHIPS.page({"organization_id": home.id}, include=including(wanted), meta=counts)


@blueprint.get("/organization-memberships")
@requires(P.MEMBERSHIP_READ)
@describes(listing=MEMBERSHIPS, includes=OWN_INCLUDES, errors=(400,))
def list_own_memberships() -> Response:
    """List the memberships of the calling user, in every organization."""
    user_id = require_own(P.MEMBERSHIP_READ)
    wanted = includes_of(request.args, OWN_INCLUDES)
    return MEMBERSHIPS.page({"user_id": user_id}, include=including(wanted))


@blueprint.get("/organization-memberships/<membership_id>")
@requires(P.MEMBERSHIP_READ)
@describes(answer=OrganizationMembershipSchema, includes=INCLUDES, errors=(400,))
def show_organization_membership(membership_id: str) -> Response:
    """Show a membership."""
    wanted = includes_of(request.args, INCLUDES)
    row = MEMBERSHIPS.linked({"id": membership_id})
    shown = MEMBERSHIPS.shown(row)
    return resource(shown, included=included([row], [shown], wanted) if wanted else None)


@blueprint.delete("/organization-memberships/<membership_id>")
@requires(P.MEMBERSHIP_DELETE, P.MEMBERSHIP_READ, P.TEAM_READ, P.OWNERS_UPDATE_MEMBERSHIP)
@describes(status=204, errors=(403,))
def destroy_organization_membership(membership_id: str) -> Response:
    """Remove a user from an organization and all its teams; what he could reach through it ends at once.

    Only somebody who sees all of his teams may do so, and an owner goes only by another owner.
    """
    with change() as session:
        owners = lock_owners(session, MEMBERSHIPS.one({"id": membership_id}, session).organization_id)
        membership = subject(
            session,
            OrganizationMembership,
            membership_id,
            P.MEMBERSHIP_DELETE,
            visible_by=P.MEMBERSHIP_READ,
        )
        teams = teams_of(session, membership)
        if not all(holds(caller(), P.TEAM_READ, team) for team in teams):
            raise refused(P.TEAM_READ)
        if owners in teams:
            if membership.user_id == caller().user_id:
                raise OwnOrganization
            if not holds(caller(), P.OWNERS_UPDATE_MEMBERSHIP, owners):
                raise refused(P.OWNERS_UPDATE_MEMBERSHIP)
        username = session.get_one(User, membership.user_id).username
        remove_membership(session, membership, owners)
        changes = {"username": [username, None], "teams": [[team.name for team in teams], []]}
        record(session, "organization-memberships.delete", membership, changes)
    return nothing()
