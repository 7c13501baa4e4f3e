"""Memberships of organizations over HTTP (spec: organization memberships)."""

from flask import Blueprint, Response, request

from app.authz.permissions import P
from app.authz.policy import Level
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.resources.organizations.organization_memberships import service
from app.resources.organizations.organization_memberships.includes import INCLUDES, OWN_INCLUDES, included, including
from app.resources.organizations.organization_memberships.listing import (
    ACTIVE,
    FOUND_MEMBERSHIPS,
    MEMBERSHIPS,
    status_counts,
)
from app.resources.organizations.organization_memberships.schema import (
    FoundMembershipSchema,
    OrganizationMembershipSchema,
)
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import is_allowed_at, organization_or_404, require_own
from app.web.requests import body

blueprint = Blueprint("organization_memberships", __name__, url_prefix="/api/v2")


@blueprint.get("/organizations/<organization>/organization-memberships")
@requires(P.ORGANIZATION_READ, P.MEMBERSHIP_READ, P.TEAM_READ, P.MEMBERSHIP_FIND)
@describes(listing=MEMBERSHIPS, otherwise=FoundMembershipSchema, includes=INCLUDES, errors=(400,))
def list_organization_memberships(organization: str) -> Response:
    """List the memberships of an organization that the caller can see; without further permissions, only their own.

    Callers who may add people to some project or workspace find all active members, without e-mail addresses: `q` and
    `filter[email]` then find a whole address.
    """
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    wanted = includes_of(request.args, INCLUDES)
    if not is_allowed_at(P.MEMBERSHIP_READ, Level.ORGANIZATION, org.id) and is_allowed_at(
        P.MEMBERSHIP_FIND, Level.ORGANIZATION, org.id
    ):
        counts = {"status-counts": status_counts(org.id, FOUND_MEMBERSHIPS, (ACTIVE,))}
        return FOUND_MEMBERSHIPS.page_response(
            {"organization_id": org.id},
            include=including(wanted, with_email=False),
            meta=counts,
            extra_filters=(ACTIVE,),
        )
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
    membership_id = service.create_organization_membership(org, members)
    row = MEMBERSHIPS.get_complete({"id": membership_id})
    shown = MEMBERSHIPS.to_resource(row)
    return resource_response(shown, 201, included=included([row], [shown], {"user"}))


@blueprint.get("/organization-memberships")
@requires(P.MEMBERSHIP_READ, P.TEAM_READ)
@describes(listing=MEMBERSHIPS, includes=OWN_INCLUDES, errors=(400,))
def list_own_memberships() -> Response:
    """List the memberships of the calling user, in every organization."""
    user_id = require_own(P.MEMBERSHIP_READ)
    wanted = includes_of(request.args, OWN_INCLUDES)
    return MEMBERSHIPS.page_response({"user_id": user_id}, include=including(wanted))


@blueprint.get("/organization-memberships/<membership_id>")
@requires(P.MEMBERSHIP_READ, P.TEAM_READ)
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
    service.destroy_organization_membership(membership_id)
    return no_content()
