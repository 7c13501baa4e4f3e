"""Empty lists over HTTP. Creating any of this is refused with a text that says what the service lacks."""

from typing import Any, Final

from flask import Blueprint, Response, request

from app.authz.permissions import P
from app.jsonapi.errors import BadParameter
from app.resources.runs.runs.access import run_for
from app.web.answers import single_page_response
from app.web.guard import describes, requires
from app.web.policy import organization_or_404

blueprint = Blueprint("empty_lists", __name__, url_prefix="/api/v2")
registry = Blueprint("empty_registry", __name__, url_prefix="/api/registry/private/v2")

NAMESPACE: Final = "filter[namespace]"
NAMESPACES: Final = 20

EMPTY: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["data", "links", "meta"],
    "properties": {
        "data": {"type": "array", "maxItems": 0},
        "links": {"$ref": "#/components/schemas/page-links"},
        "meta": {"type": "object", "properties": {"pagination": {"$ref": "#/components/schemas/pagination"}}},
    },
}


@blueprint.get("/organizations/<organization>/oauth-clients")
@requires(P.ORGANIZATION_READ)
@describes(answer=EMPTY, errors=(400,))
def list_oauth_clients(organization: str) -> Response:
    """List the connections to version control: none, because the service has no such thing."""
    return _empty(organization)


@blueprint.get("/organizations/<organization>/registry-modules")
@requires(P.ORGANIZATION_READ)
@describes(answer=EMPTY, errors=(400,))
def list_registry_modules(organization: str) -> Response:
    """List the modules of the organization's registry: none, because the service has no such thing."""
    return _empty(organization)


@blueprint.get("/organizations/<organization>/registry-providers")
@requires(P.ORGANIZATION_READ)
@describes(answer=EMPTY, errors=(400,))
def list_registry_providers(organization: str) -> Response:
    """List the providers of the organization's registry: none, because the service has no such thing."""
    return _empty(organization)


@blueprint.get("/runs/<run_id>/policy-checks")
@requires(P.RUN_READ)
@describes(answer=EMPTY, errors=(400,))
def list_policy_checks(run_id: str) -> Response:
    """List the checks by Sentinel of a run: none. What policies in Rego say is in its task stages."""
    run_for(run_id, P.RUN_READ)
    return single_page_response([])


@registry.get("/gpg-keys")
@requires(P.ORGANIZATION_READ)
@describes(answer=EMPTY, parameters=((NAMESPACE, "Names of organizations, separated by commas"),), errors=(400,))
def list_gpg_keys() -> Response:
    """List the keys that sign providers of organizations: none, because the service has no registry."""
    names = [name.strip() for name in request.args.get(NAMESPACE, "").split(",") if name.strip()]
    if not 1 <= len(names) <= NAMESPACES:
        raise BadParameter(f"{NAMESPACE} must name 1 to {NAMESPACES} organizations", parameter=NAMESPACE)
    for name in names:
        organization_or_404(name, P.ORGANIZATION_READ)
    return single_page_response([])


def _empty(organization: str) -> Response:
    organization_or_404(organization, P.ORGANIZATION_READ)
    return single_page_response([])
