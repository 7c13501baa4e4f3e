"""Policy sets over HTTP (spec: policy sets)."""

from typing import Any, Final

from flask import Blueprint, Response, request

from app.authz.permissions import P
from app.jsonapi.body import identifiers_at, primary_data
from app.jsonapi.errors import Unprocessable
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.resources.policies.policy_sets import service
from app.resources.policies.policy_sets.listing import INCLUDES, POLICY_SETS, including
from app.resources.policies.policy_sets.operations import LINKS
from app.resources.policies.policy_sets.schema import AT_ONCE, PolicySetSchema
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import organization_or_404
from app.web.requests import body

blueprint = Blueprint("policy_sets", __name__, url_prefix="/api/v2")

ONE: Final = "/policy-sets/<policy_set_id>"
_SEEN: Final = (P.POLICY_READ, P.WORKSPACE_READ, P.PROJECT_READ)
IDENTIFIERS: Final = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "array",
            "maxItems": AT_ONCE,
            "items": {
                "type": "object",
                "required": ["type", "id"],
                "properties": {"type": {"enum": ["policies", "projects", "workspaces"]}, "id": {"type": "string"}},
            },
        }
    },
}


@blueprint.get("/organizations/<organization>/policy-sets")
@requires(*_SEEN)
@describes(listing=POLICY_SETS, includes=INCLUDES, errors=(400,))
def list_policy_sets(organization: str) -> Response:
    """List the policy sets of an organization."""
    org = organization_or_404(organization, P.POLICY_READ)
    return POLICY_SETS.page_response({"organization_id": org.id}, include=_including())


@blueprint.post("/organizations/<organization>/policy-sets")
@requires(P.POLICY_MANAGE, *_SEEN)
@describes(body=PolicySetSchema, answer=PolicySetSchema, status=201, errors=(422,))
def create_policy_set(organization: str) -> Response:
    """Create a policy set. It counts from the next plan on."""
    org = organization_or_404(organization, P.POLICY_MANAGE)
    members = load(PolicySetSchema, body())
    linked = _pop_linked(members)
    return resource_response(service.create_policy_set(org, members, linked), 201)


@blueprint.get(ONE)
@requires(*_SEEN)
@describes(answer=PolicySetSchema, includes=INCLUDES, errors=(400,))
def show_policy_set(policy_set_id: str) -> Response:
    """Show a policy set."""
    include = _including()
    row = POLICY_SETS.get_complete({"id": policy_set_id})
    shown = POLICY_SETS.to_resource(row)
    return resource_response(shown, included=include([row], [shown]) if include else None)


@blueprint.patch(ONE)
@requires(P.POLICY_MANAGE, *_SEEN)
@describes(body=PolicySetSchema, is_partial=True, answer=PolicySetSchema, errors=(422,))
def update_policy_set(policy_set_id: str) -> Response:
    """Update a policy set. What is sent in a relationship is added to it."""
    members = load(PolicySetSchema, body(), partial=True, identifier=policy_set_id)
    linked = _pop_linked(members)
    return resource_response(service.update_policy_set(policy_set_id, members, linked))


@blueprint.delete(ONE)
@requires(P.POLICY_READ, P.POLICY_MANAGE)
@describes(status=204)
def destroy_policy_set(policy_set_id: str) -> Response:
    """Delete a policy set. Its policies stay."""
    service.destroy_policy_set(policy_set_id)
    return no_content()


@requires(P.POLICY_MANAGE, *_SEEN)
@describes(body=IDENTIFIERS, status=204, errors=(422,))
def add_to_policy_set(policy_set_id: str, relationship: str) -> Response:
    """Add policies to a set, or workspaces and projects in which it counts or does not count."""
    service.add_to_set(policy_set_id, relationship, _identifiers(relationship))
    return no_content()


@requires(P.POLICY_READ, P.POLICY_MANAGE)
@describes(body=IDENTIFIERS, status=204, errors=(422,))
def remove_from_policy_set(policy_set_id: str, relationship: str) -> Response:
    """Remove policies from a set, or workspaces and projects that it names; others are ignored."""
    service.remove_from_set(policy_set_id, relationship, _identifiers(relationship))
    return no_content()


for _name in LINKS:
    for _view, _method in ((add_to_policy_set, "POST"), (remove_from_policy_set, "DELETE")):
        blueprint.add_url_rule(
            f"{ONE}/relationships/{_name}",
            f"{_view.__name__}_{_name.replace('-', '_')}",
            _view,
            methods=[_method],
            defaults={"relationship": _name},
        )


def _identifiers(relationship: str) -> list[str]:
    data = primary_data(body())
    if not isinstance(data, list):
        raise Unprocessable("data must be an array", pointer="/data")
    return identifiers_at(data, relationship.replace("-exclusions", "s"), "/data", AT_ONCE)


def _pop_linked(members: dict[str, Any]) -> dict[str, list[str]]:
    found = {}
    for relationship in LINKS:
        name = f"{relationship.removesuffix('s').replace('-', '_').replace('policie', 'policy')}_ids"
        if name in members:
            found[relationship] = members.pop(name)
    return found


def _including() -> Any:  # noqa: ANN401 - a function or None
    return including(includes_of(request.args, INCLUDES))
