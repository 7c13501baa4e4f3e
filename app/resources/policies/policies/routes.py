"""Policies over HTTP (spec: policies)."""

from typing import Final

from flask import Blueprint, Response
from sqlalchemy import select

from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.jsonapi.schema import load
from app.models.policies import Policy
from app.resources.policies.policies import service
from app.resources.policies.policies.listing import POLICIES
from app.resources.policies.policies.schema import PolicySchema
from app.web.answers import no_content, resource_response
from app.web.context import reader
from app.web.guard import any_media_type, describes, requires
from app.web.policy import organization_or_404
from app.web.requests import body, sent_pieces

blueprint = Blueprint("policies", __name__, url_prefix="/api/v2")

CODE_BYTES: Final = 1 << 20
CODE: Final = {"type": "string", "format": "binary"}


@blueprint.get("/organizations/<organization>/policies")
@requires(P.POLICY_READ)
@describes(listing=POLICIES, errors=(400,))
def list_policies(organization: str) -> Response:
    """List the policies of an organization."""
    org = organization_or_404(organization, P.POLICY_READ)
    return POLICIES.page_response({"organization_id": org.id})


@blueprint.post("/organizations/<organization>/policies")
@requires(P.POLICY_READ, P.POLICY_MANAGE)
@describes(body=PolicySchema, answer=PolicySchema, status=201, errors=(422,))
def create_policy(organization: str) -> Response:
    """Create a policy. Its code is uploaded afterwards, and counts from the next plan on."""
    org = organization_or_404(organization, P.POLICY_MANAGE)
    return resource_response(service.create_policy(org, load(PolicySchema, body())), 201)


@blueprint.get("/policies/<policy_id>")
@requires(P.POLICY_READ)
@describes(answer=PolicySchema)
def show_policy(policy_id: str) -> Response:
    """Show a policy."""
    return resource_response(POLICIES.get_resource({"id": policy_id}))


@blueprint.patch("/policies/<policy_id>")
@requires(P.POLICY_READ, P.POLICY_MANAGE)
@describes(body=PolicySchema, is_partial=True, answer=PolicySchema, errors=(422,))
def update_policy(policy_id: str) -> Response:
    """Update a policy."""
    members = load(PolicySchema, body(), partial=True, identifier=policy_id)
    return resource_response(service.update_policy(policy_id, members))


@blueprint.delete("/policies/<policy_id>")
@requires(P.POLICY_READ, P.POLICY_MANAGE)
@describes(status=204)
def destroy_policy(policy_id: str) -> Response:
    """Delete a policy; it leaves all sets."""
    service.destroy_policy(policy_id)
    return no_content()


@blueprint.put("/policies/<policy_id>/upload")
@any_media_type
@requires(P.POLICY_READ, P.POLICY_MANAGE)
@describes(body=CODE, answer=PolicySchema, errors=(413, 422))
def upload_policy(policy_id: str) -> Response:
    """Upload the code of a policy: a module in Rego, of at most 1 MiB."""
    POLICIES.get({"id": policy_id})
    return resource_response(service.upload_code(policy_id, b"".join(sent_pieces(CODE_BYTES))))


@blueprint.get("/policies/<policy_id>/download")
@requires(P.POLICY_READ)
@describes(answer=CODE)
def download_policy(policy_id: str) -> Response:
    """Download the code of a policy; 404 if there is none yet."""
    POLICIES.get({"id": policy_id})
    code = reader().execute(select(Policy.code).where(Policy.__table__.c.id == policy_id)).scalar_one()
    if code is None:
        raise NotFound
    return Response(code.encode(), content_type="application/octet-stream")
