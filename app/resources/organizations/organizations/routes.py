"""Organizations over HTTP (spec: organizations)."""

from typing import Any

from flask import Blueprint, Response, request

from app.authz.grants import SITE
from app.authz.permissions import P
from app.authz.policy import Level
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.models.projects import Project
from app.persistence import AnyRow
from app.resources.organizations.organizations import service
from app.resources.organizations.organizations.listing import ORGANIZATIONS, include_entitlement_sets
from app.resources.organizations.organizations.operations import OnlyUsersCreate, OrganizationsNotOpen
from app.resources.organizations.organizations.schema import (
    ENTITLEMENT_SET_DOCUMENT,
    OrganizationSchema,
    entitlement_set,
)
from app.web.answers import no_content, resource_response
from app.web.context import authenticate, caller
from app.web.guard import describes, requires
from app.web.includes import load_included
from app.web.policy import is_allowed_at, organization_or_404
from app.web.requests import body

blueprint = Blueprint("organizations", __name__, url_prefix="/api/v2")

INCLUDES = ("entitlement_set", "default_project")
LIST_INCLUDES = ("entitlement_set",)


@blueprint.get("/organizations")
@requires(P.ORGANIZATION_READ)
@describes(listing=ORGANIZATIONS, paged=False, includes=LIST_INCLUDES, errors=(400,))
def list_organizations() -> Response:
    """List the caller's organizations; all of them, unless the request asks for a page."""
    included = includes_of(request.args, LIST_INCLUDES)
    return ORGANIZATIONS.page_response({}, include=include_entitlement_sets if included else None, paged=False)


@blueprint.post("/organizations")
@requires(P.ORGANIZATION_READ, P.ORGANIZATION_CREATE)
@describes(body=OrganizationSchema, answer=OrganizationSchema, status=201, errors=(403, 422))
def create_organization() -> Response:
    """Create an organization with its default project and its owners team; the caller becomes member and owner."""
    may_create = is_allowed_at(P.ORGANIZATION_CREATE, Level.SITE, SITE)
    user_id = caller().user_id
    if user_id is None:
        raise OnlyUsersCreate
    if not may_create:
        raise OrganizationsNotOpen
    organization_id = service.create_organization(user_id, load(OrganizationSchema, body()))
    # The caller's grants were loaded before the organization existed.
    authenticate()
    shown = ORGANIZATIONS.get_resource({"id": organization_id})
    return resource_response(shown, 201, included=[entitlement_set(organization_id)])


@blueprint.get("/organizations/<organization>")
@requires(P.ORGANIZATION_READ)
@describes(answer=OrganizationSchema, includes=INCLUDES, errors=(400,))
def show_organization(organization: str) -> Response:
    """Show an organization."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    included = includes_of(request.args, INCLUDES)
    row = ORGANIZATIONS.get({"id": org.id})
    return resource_response(ORGANIZATIONS.to_resource(row), included=_include(row, included) if included else None)


@blueprint.route("/organizations/<organization>", methods=["PATCH", "PUT"])
@requires(P.ORGANIZATION_READ, P.ORGANIZATION_UPDATE)
@describes(body=OrganizationSchema, is_partial=True, answer=OrganizationSchema, errors=(422,))
def update_organization(organization: str) -> Response:
    """Update an organization. A new name changes its address. Attributes that are left out stay as they are."""
    org = organization_or_404(organization, P.ORGANIZATION_UPDATE)
    members = load(OrganizationSchema, body(), partial=True, identifier=org.name)
    return resource_response(service.update_organization(org, members))


@blueprint.delete("/organizations/<organization>")
@requires(P.ORGANIZATION_READ, P.ORGANIZATION_DELETE)
@describes(status=204)
def destroy_organization(organization: str) -> Response:
    """Delete an organization with everything in it."""
    org = organization_or_404(organization, P.ORGANIZATION_DELETE)
    service.destroy_organization(org)
    return no_content()


@blueprint.get("/organizations/<organization>/entitlement-set")
@requires(P.ORGANIZATION_READ)
@describes(answer=ENTITLEMENT_SET_DOCUMENT)
def show_entitlement_set(organization: str) -> Response:
    """Show which features the organization has."""
    return resource_response(entitlement_set(organization_or_404(organization, P.ORGANIZATION_READ).id))


def _include(row: AnyRow, included: set[str]) -> list[dict[str, Any]]:
    found = []
    if "entitlement_set" in included:
        found.append(entitlement_set(row.id))
    if "default_project" in included:
        # The default project is left out for a caller who can't see it.
        found.extend(load_included(Project, [row.default_project_id]))
    return found
