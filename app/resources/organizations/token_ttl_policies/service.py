"""Use cases of the longest lifetimes of tokens."""

from collections.abc import Mapping

from sqlalchemy import select

from app.authentication.callers import OrganizationRef
from app.authz.permissions import P
from app.models.organizations import Organization
from app.models.token_ttl_policies import TokenTtlPolicy
from app.persistence import now
from app.web.policy import get_for_update
from app.web.transaction import apply_changes, created_changes, record_all, transaction


def set_policies(org: OrganizationRef, longest: Mapping[str, int]) -> None:
    """Set the longest lifetimes of these types of tokens, in milliseconds. Tokens that there are stay as they are."""
    with transaction() as session:
        get_for_update(session, Organization, org.id, P.ORGANIZATION_UPDATE)
        found = session.scalars(select(TokenTtlPolicy).where(TokenTtlPolicy.organization_id == org.id))
        present = {policy.token_type: policy for policy in found}
        recorded = []
        for token_type, milliseconds in longest.items():
            policy = present.get(token_type)
            if policy is None:
                policy = TokenTtlPolicy(organization_id=org.id, token_type=token_type, max_ttl_ms=milliseconds)
                session.add(policy)
                changes = created_changes({"token_type": token_type, "max_ttl_ms": milliseconds})
                recorded.append(("token-ttl-policies.create", policy, changes))
            elif changes := apply_changes(policy, {"max_ttl_ms": milliseconds}):
                policy.updated_at = now()
                recorded.append(("token-ttl-policies.update", policy, changes))
        session.flush()
        record_all(session, recorded)
