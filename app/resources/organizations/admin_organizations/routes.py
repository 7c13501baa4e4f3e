"""The organizations of the site over HTTP (the admin API of Terraform Enterprise)."""

from flask import Blueprint, Response

from app.authz.permissions import P
from app.resources.organizations.admin_organizations.listing import ADMIN_ORGANIZATIONS
from app.resources.organizations.admin_organizations.schema import AdminOrganizationSchema
from app.web.answers import resource_response
from app.web.guard import describes, requires
from app.web.policy import organization_or_404, require_on_site

blueprint = Blueprint("admin_organizations", __name__, url_prefix="/api/v2/admin/organizations")


@blueprint.get("")
@requires(P.USER_ADMINISTER)
@describes(listing=ADMIN_ORGANIZATIONS, errors=(400,))
def list_admin_organizations() -> Response:
    """List all organizations of the service, with how much there is in each. Only administrators of the site may."""
    require_on_site(P.USER_ADMINISTER)
    return ADMIN_ORGANIZATIONS.page_response({})


@blueprint.get("/<organization>")
@requires(P.USER_ADMINISTER, P.ORGANIZATION_READ)
@describes(answer=AdminOrganizationSchema)
def show_admin_organization(organization: str) -> Response:
    """Show any organization of the service."""
    require_on_site(P.USER_ADMINISTER)
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    return resource_response(ADMIN_ORGANIZATIONS.get_resource({"id": org.id}))
