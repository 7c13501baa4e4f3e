"""The plan and subscriptions to it over HTTP (spec: organizations, subscription stub)."""

from flask import Blueprint, Response

from app.authentication.callers import OrganizationRef
from app.authz.permissions import P
from app.jsonapi.body import resource_object
from app.resources.organizations.organizations.listing import ORGANIZATIONS
from app.resources.organizations.subscriptions.documents import (
    FEATURE_SETS_DOCUMENT,
    SENT,
    SUBSCRIPTION_DOCUMENT,
    check_plan,
    feature_set,
    organization_id_of,
    subscription,
)
from app.web.answers import resource_response, single_page_response
from app.web.guard import describes, requires
from app.web.policy import organization_or_404, require_on_site
from app.web.requests import body

blueprint = Blueprint("subscriptions", __name__, url_prefix="/api/v2")


@blueprint.get("/organizations/<organization>/feature-sets")
@requires(P.ORGANIZATION_READ)
@describes(answer=FEATURE_SETS_DOCUMENT, errors=(400,))
def list_feature_sets(organization: str) -> Response:
    """List the plans that an organization can have. There is one, and it has everything."""
    organization_or_404(organization, P.ORGANIZATION_READ)
    return single_page_response([feature_set()])


@blueprint.get("/admin/feature-sets")
@requires(P.USER_ADMINISTER)
@describes(answer=FEATURE_SETS_DOCUMENT, errors=(400,))
def list_all_feature_sets() -> Response:
    """List the plans that administrators can give an organization. There is one, whatever name is asked for."""
    require_on_site(P.USER_ADMINISTER)
    return single_page_response([feature_set()])


@blueprint.get("/organizations/<organization>/subscription")
@requires(P.ORGANIZATION_READ)
@describes(answer=SUBSCRIPTION_DOCUMENT)
def show_subscription(organization: str) -> Response:
    """Show the plan of an organization."""
    return _shown(organization_or_404(organization, P.ORGANIZATION_READ))


@blueprint.get("/subscriptions/<subscription_id>")
@requires(P.ORGANIZATION_READ)
@describes(answer=SUBSCRIPTION_DOCUMENT)
def show_subscription_by_id(subscription_id: str) -> Response:
    """Show the plan of an organization, by the id of the subscription."""
    row = ORGANIZATIONS.get({"id": organization_id_of(subscription_id)})
    return _shown(OrganizationRef(row.id, row.name))


@blueprint.post("/admin/organizations/<organization>/subscription")
@requires(P.ORGANIZATION_READ, P.USER_ADMINISTER)
@describes(body=SENT, answer=SUBSCRIPTION_DOCUMENT, errors=(422,))
def subscribe_organization(organization: str) -> Response:
    """Give an organization the plan. Every organization has it already, so nothing changes; ceilings are ignored."""
    require_on_site(P.USER_ADMINISTER)
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    check_plan(resource_object(body(), ("subscriptions", "subscription")))
    return _shown(org)


def _shown(org: OrganizationRef) -> Response:
    return resource_response(subscription(org), included=[feature_set()])
