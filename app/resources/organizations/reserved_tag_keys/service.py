"""Use cases of reserved tag keys: each checks the caller, changes in one transaction and records its event."""

from typing import Any

from app.authentication.callers import OrganizationRef
from app.authz.permissions import P
from app.models.reserved_tag_keys import ReservedTagKey
from app.persistence import now
from app.resources.organizations.reserved_tag_keys.listing import RESERVED_TAG_KEYS
from app.web.listing import ResourceObject
from app.web.policy import get_for_update
from app.web.transaction import apply_changes, created_changes, record_event, transaction


def create_reserved_tag_key(members: dict[str, Any], org: OrganizationRef) -> ResourceObject:
    """Reserve a key."""
    with transaction() as session:
        key = ReservedTagKey(organization_id=org.id, **members)
        session.add(key)
        session.flush()
        record_event(session, "reserved-tag-keys.create", key, created_changes(members))
        return RESERVED_TAG_KEYS.get_resource({"id": key.id}, session)


def update_reserved_tag_key(key_id: str, members: dict[str, Any]) -> ResourceObject:
    """Change a reserved key."""
    with transaction() as session:
        key = get_for_update(session, ReservedTagKey, key_id, P.TAG_KEY_RESERVE)
        changes = apply_changes(key, members)
        if changes:
            key.updated_at = now()
            session.flush()
            record_event(session, "reserved-tag-keys.update", key, changes)
        return RESERVED_TAG_KEYS.get_resource({"id": key_id}, session)


def destroy_reserved_tag_key(key_id: str) -> None:
    """Stop reserving a key; tags with it stay."""
    with transaction() as session:
        key = get_for_update(session, ReservedTagKey, key_id, P.TAG_KEY_RESERVE)
        session.delete(key)
        record_event(session, "reserved-tag-keys.delete", key, {"key": [key.key, None]})
