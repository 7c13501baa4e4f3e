"""The longest lifetimes of tokens over HTTP (spec: organizations, token TTL policies)."""

from typing import Final

from flask import Blueprint, Response

from app.authentication.callers import OrganizationRef
from app.authz.permissions import P
from app.authz.policy import Level
from app.jsonapi.errors import Forbidden
from app.jsonapi.schema import load
from app.resources.organizations.token_ttl_policies import service
from app.resources.organizations.token_ttl_policies.listing import TOKEN_TTL_POLICIES
from app.resources.organizations.token_ttl_policies.schema import TokenTtlPoliciesSchema, TokenTtlPolicySchema
from app.web.guard import describes, requires
from app.web.policy import NOT_AUTHORIZED, is_allowed_at, organization_or_404
from app.web.requests import body

blueprint = Blueprint("token_ttl_policies", __name__, url_prefix="/api/v2")

MANY: Final = "/organizations/<organization>/token-ttl-policies"


@blueprint.get(MANY)
@requires(P.ORGANIZATION_READ, P.ORGANIZATION_UPDATE)
@describes(listing=TOKEN_TTL_POLICIES, paged=False, errors=(403,))
def list_token_ttl_policies(organization: str) -> Response:
    """List the longest lifetimes of tokens of an organization, for its owners."""
    return _shown(_for_owners(organization))


@blueprint.patch(MANY)
@requires(P.ORGANIZATION_READ, P.ORGANIZATION_UPDATE)
@describes(
    body=TokenTtlPoliciesSchema, answer=TokenTtlPolicySchema, many=True, one_sent=True, paged=False, errors=(403, 422)
)
def set_token_ttl_policies(organization: str) -> Response:
    """Set how long new tokens of an organization may live at most; the answer has all types.

    They count while the organization has `max-ttl-enabled`. A token without an expiry then gets the latest one that is
    allowed; a later one is refused. Tokens that there are stay as they are.
    """
    org = _for_owners(organization)
    members = load(TokenTtlPoliciesSchema, body())
    service.set_policies(org, members["token_ttl_policies"])
    return _shown(org)


def _for_owners(organization: str) -> OrganizationRef:
    # HCP Terraform tells members that they may not, instead of hiding it.
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    if not is_allowed_at(P.ORGANIZATION_UPDATE, Level.ORGANIZATION, org.id):
        raise Forbidden(NOT_AUTHORIZED)
    return org


def _shown(org: OrganizationRef) -> Response:
    return TOKEN_TTL_POLICIES.page_response({"organization_id": org.id}, paged=False)
