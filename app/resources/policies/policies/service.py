"""Use cases of policies: each checks the caller, changes in one transaction and records its event."""

from hashlib import sha256
from typing import Any

from app.authentication.callers import OrganizationRef
from app.authz.permissions import P
from app.models.policies import Policy
from app.persistence import now
from app.resources.policies.policies.listing import POLICIES
from app.resources.policies.policies.operations import check_room, code_of
from app.web.listing import ResourceObject
from app.web.policy import get_for_update
from app.web.transaction import apply_changes, created_changes, record_event, transaction


def create_policy(org: OrganizationRef, members: dict[str, Any]) -> ResourceObject:
    """Create a policy, without code."""
    columns = _columns(members)
    with transaction() as session:
        policy = Policy(organization_id=org.id, **columns)
        session.add(policy)
        session.flush()
        check_room(session, org.id)
        record_event(session, "policies.create", policy, created_changes(columns))
        return POLICIES.get_resource({"id": policy.id}, session)


def update_policy(policy_id: str, members: dict[str, Any]) -> ResourceObject:
    """Update a policy; runs whose plans are finished already are not concerned."""
    with transaction() as session:
        policy = get_for_update(session, Policy, policy_id, P.POLICY_MANAGE)
        changes = apply_changes(policy, _columns(members))
        if changes:
            policy.updated_at = now()
            session.flush()
            record_event(session, "policies.update", policy, changes)
        return POLICIES.get_resource({"id": policy_id}, session)


def upload_code(policy_id: str, data: bytes) -> ResourceObject:
    """Replace the code of a policy."""
    code = code_of(data)
    with transaction() as session:
        policy = get_for_update(session, Policy, policy_id, P.POLICY_MANAGE)
        before, policy.code, policy.updated_at = policy.code, code, now()
        session.flush()
        record_event(session, "policies.upload", policy, {"sha256": [_digest(before), _digest(code)]})
        return POLICIES.get_resource({"id": policy_id}, session)


def destroy_policy(policy_id: str) -> None:
    """Delete a policy, also from all sets."""
    with transaction() as session:
        policy = get_for_update(session, Policy, policy_id, P.POLICY_MANAGE)
        session.delete(policy)
        record_event(session, "policies.delete", policy)


def _columns(members: dict[str, Any]) -> dict[str, Any]:
    columns = {name: value for name, value in members.items() if name not in {"kind", "enforce"}}
    if "enforce" in members:
        columns.setdefault("enforcement_level", members["enforce"])
    return columns


def _digest(code: str | None) -> str | None:
    return None if code is None else sha256(code.encode()).hexdigest()
