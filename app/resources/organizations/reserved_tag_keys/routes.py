"""Reserved keys of tags over HTTP (spec: workspaces, tags)."""

from flask import Blueprint, Response

from app.authz.permissions import P
from app.jsonapi.schema import load
from app.resources.organizations.reserved_tag_keys import service
from app.resources.organizations.reserved_tag_keys.listing import RESERVED_TAG_KEYS
from app.resources.organizations.reserved_tag_keys.schema import ReservedTagKeySchema
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import organization_or_404
from app.web.requests import body

blueprint = Blueprint("reserved_tag_keys", __name__, url_prefix="/api/v2")


@blueprint.get("/organizations/<organization>/reserved-tag-keys")
@requires(P.ORGANIZATION_READ)
@describes(listing=RESERVED_TAG_KEYS, errors=(400,))
def list_reserved_tag_keys(organization: str) -> Response:
    """List the keys that an organization reserves."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    return RESERVED_TAG_KEYS.page_response({"organization_id": org.id})


@blueprint.post("/organizations/<organization>/reserved-tag-keys")
@requires(P.ORGANIZATION_READ, P.TAG_KEY_RESERVE)
@describes(body=ReservedTagKeySchema, answer=ReservedTagKeySchema, status=201, errors=(422,))
def create_reserved_tag_key(organization: str) -> Response:
    """Reserve a key."""
    org = organization_or_404(organization, P.TAG_KEY_RESERVE)
    members = load(ReservedTagKeySchema, body())
    return resource_response(service.create_reserved_tag_key(members, org), 201)


@blueprint.patch("/reserved-tag-keys/<key_id>")
@requires(P.ORGANIZATION_READ, P.TAG_KEY_RESERVE)
@describes(body=ReservedTagKeySchema, is_partial=True, answer=ReservedTagKeySchema, errors=(422,))
def update_reserved_tag_key(key_id: str) -> Response:
    """Change a reserved key."""
    members = load(ReservedTagKeySchema, body(), partial=True, identifier=key_id)
    return resource_response(service.update_reserved_tag_key(key_id, members))


@blueprint.delete("/reserved-tag-keys/<key_id>")
@requires(P.ORGANIZATION_READ, P.TAG_KEY_RESERVE)
@describes(status=204)
def destroy_reserved_tag_key(key_id: str) -> Response:
    """Stop reserving a key; tags with it stay."""
    service.destroy_reserved_tag_key(key_id)
    return no_content()
