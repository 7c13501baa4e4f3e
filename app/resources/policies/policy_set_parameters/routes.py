"""Parameters of policy sets over HTTP (spec: policy set parameters)."""

from typing import Final

from flask import Blueprint, Response

from app.authz.permissions import P
from app.jsonapi.schema import load
from app.resources.policies.policy_set_parameters import service
from app.resources.policies.policy_set_parameters.listing import POLICY_SET_PARAMETERS
from app.resources.policies.policy_set_parameters.schema import PolicySetParameterSchema
from app.resources.policies.policy_sets.listing import POLICY_SETS
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.requests import body

blueprint = Blueprint("policy_set_parameters", __name__, url_prefix="/api/v2")

ALL: Final = "/policy-sets/<policy_set_id>/parameters"
ONE: Final = f"{ALL}/<parameter_id>"


@blueprint.get(ALL)
@requires(P.POLICY_READ)
@describes(listing=POLICY_SET_PARAMETERS, errors=(400,))
def list_parameters(policy_set_id: str) -> Response:
    """List the parameters of a policy set; the value of a sensitive one is null."""
    POLICY_SETS.get({"id": policy_set_id})
    return POLICY_SET_PARAMETERS.page_response({"policy_set_id": policy_set_id})


@blueprint.post(ALL)
@requires(P.POLICY_READ, P.POLICY_MANAGE)
@describes(body=PolicySetParameterSchema, answer=PolicySetParameterSchema, status=201, errors=(422,))
def create_parameter(policy_set_id: str) -> Response:
    """Give the policies of a set a value, which they read as `input.params`."""
    members = load(PolicySetParameterSchema, body())
    return resource_response(service.create_parameter(policy_set_id, members), 201)


@blueprint.get(ONE)
@requires(P.POLICY_READ)
@describes(answer=PolicySetParameterSchema)
def show_parameter(policy_set_id: str, parameter_id: str) -> Response:
    """Show a parameter of a policy set."""
    found = POLICY_SET_PARAMETERS.get_resource({"id": parameter_id, "policy_set_id": policy_set_id})
    return resource_response(found)


@blueprint.patch(ONE)
@requires(P.POLICY_READ, P.POLICY_MANAGE)
@describes(body=PolicySetParameterSchema, is_partial=True, answer=PolicySetParameterSchema, errors=(422,))
def update_parameter(policy_set_id: str, parameter_id: str) -> Response:
    """Update a parameter of a policy set."""
    members = load(PolicySetParameterSchema, body(), partial=True, identifier=parameter_id)
    return resource_response(service.update_parameter(policy_set_id, parameter_id, members))


@blueprint.delete(ONE)
@requires(P.POLICY_READ, P.POLICY_MANAGE)
@describes(status=204)
def destroy_parameter(policy_set_id: str, parameter_id: str) -> Response:
    """Delete a parameter of a policy set."""
    service.destroy_parameter(policy_set_id, parameter_id)
    return no_content()
