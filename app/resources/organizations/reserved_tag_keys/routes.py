"""Reserved keys of tags over HTTP (spec: workspaces, tags)."""

from flask import Blueprint, Response

from app.authz.permissions import P
from app.jsonapi.schema import load
from app.models.reserved_tag_keys import ReservedTagKey
from app.persistence import now
from app.resources.organizations.reserved_tag_keys.listing import RESERVED_TAG_KEYS
from app.resources.organizations.reserved_tag_keys.schema import ReservedTagKeySchema
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import get_for_update, organization_or_404
from app.web.requests import body
from app.web.transaction import apply_changes, created_changes, record_event, transaction

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
    with transaction() as session:
        key = ReservedTagKey(organization_id=org.id, **members)
        session.add(key)
        session.flush()
        record_event(session, "reserved-tag-keys.create", key, created_changes(members))
        shown = RESERVED_TAG_KEYS.get_resource({"id": key.id}, session)
    return resource_response(shown, 201)


@blueprint.patch("/reserved-tag-keys/<key_id>")
@requires(P.ORGANIZATION_READ, P.TAG_KEY_RESERVE)
@describes(body=ReservedTagKeySchema, is_partial=True, answer=ReservedTagKeySchema, errors=(422,))
def update_reserved_tag_key(key_id: str) -> Response:
    """Change a reserved key."""
    members = load(ReservedTagKeySchema, body(), partial=True, identifier=key_id)
    with transaction() as session:
        key = get_for_update(session, ReservedTagKey, key_id, P.TAG_KEY_RESERVE)
        changes = apply_changes(key, members)
        if changes:
            key.updated_at = now()
            session.flush()
            record_event(session, "reserved-tag-keys.update", key, changes)
        shown = RESERVED_TAG_KEYS.get_resource({"id": key_id}, session)
    return resource_response(shown)


@blueprint.delete("/reserved-tag-keys/<key_id>")
@requires(P.ORGANIZATION_READ, P.TAG_KEY_RESERVE)
@describes(status=204)
def destroy_reserved_tag_key(key_id: str) -> Response:
    """Stop reserving a key; tags with it stay."""
    with transaction() as session:
        key = get_for_update(session, ReservedTagKey, key_id, P.TAG_KEY_RESERVE)
        session.delete(key)
        record_event(session, "reserved-tag-keys.delete", key, {"key": [key.key, None]})
    return no_content()
