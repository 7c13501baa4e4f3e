"""Use cases of policy sets: each checks the caller, changes in one transaction and records its event."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authentication.callers import OrganizationRef
from app.authz.permissions import P
from app.models.policies import Policy, PolicySet
from app.models.projects import Project
from app.models.workspaces import Workspace
from app.persistence import in_values, now
from app.resources.policies.policies.operations import check_room
from app.resources.policies.policy_sets.listing import POLICY_SETS
from app.resources.policies.policy_sets.operations import LINKS, add_links, check_known, remove_links
from app.web.listing import ResourceObject
from app.web.policy import get_for_update, visible
from app.web.transaction import apply_changes, created_changes, record_event, transaction

# What is taken for clients that send it, and is always the same here.
_FIXED: Final = frozenset({"kind", "agent_enabled", "vcs_repo", "policies_path"})
_MODELS: Final[Mapping[str, tuple[type[Policy | Workspace | Project], P]]] = {
    "policies": (Policy, P.POLICY_READ),
    "workspaces": (Workspace, P.WORKSPACE_READ),
    "projects": (Project, P.PROJECT_READ),
}


def create_policy_set(
    org: OrganizationRef, members: dict[str, Any], linked: Mapping[str, Sequence[str]]
) -> ResourceObject:
    """Create a policy set, with what it names."""
    columns = _columns(members)
    with transaction() as session:
        policy_set = PolicySet(organization_id=org.id, **columns)
        session.add(policy_set)
        session.flush()
        check_room(session, org.id)
        changes = _link(session, policy_set, linked)
        record_event(session, "policy-sets.create", policy_set, _named({**created_changes(columns), **changes}))
        return POLICY_SETS.get_resource({"id": policy_set.id}, session)


def update_policy_set(
    policy_set_id: str, members: dict[str, Any], linked: Mapping[str, Sequence[str]]
) -> ResourceObject:
    """Update a policy set. What is sent in a relationship is added to it."""
    with transaction() as session:
        policy_set = _lock(session, policy_set_id)
        changes = apply_changes(policy_set, _columns(members)) | _link(session, policy_set, linked)
        _record(session, policy_set, "policy-sets.update", changes)
        return POLICY_SETS.get_resource({"id": policy_set_id}, session)


def destroy_policy_set(policy_set_id: str) -> None:
    """Delete a policy set; its policies stay."""
    with transaction() as session:
        policy_set = _lock(session, policy_set_id)
        session.delete(policy_set)
        record_event(session, "policy-sets.delete", policy_set)


def add_to_set(policy_set_id: str, relationship: str, wanted: Sequence[str]) -> None:
    """Add to a relationship of the set: all of it, or nothing."""
    with transaction() as session:
        policy_set = _lock(session, policy_set_id)
        changes = _link(session, policy_set, {relationship: wanted}, "/data")
        _record(session, policy_set, "policy-sets.add", changes)


def remove_from_set(policy_set_id: str, relationship: str, unwanted: Sequence[str]) -> None:
    """Remove from a relationship of the set; what is not in it is ignored."""
    with transaction() as session:
        policy_set = _lock(session, policy_set_id)
        changes = remove_links(session, policy_set, relationship, unwanted)
        _record(session, policy_set, "policy-sets.remove", changes)


def _link(
    session: Session, policy_set: PolicySet, linked: Mapping[str, Sequence[str]], pointer: str | None = None
) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for relationship in LINKS:
        wanted = linked.get(relationship)
        if wanted:
            place = pointer or f"/data/relationships/{relationship}/data"
            check_known(wanted, _seen(session, policy_set, relationship, wanted), relationship, place)
            changes |= add_links(session, policy_set, relationship, wanted)
    return changes


def _seen(session: Session, policy_set: PolicySet, relationship: str, wanted: Sequence[str]) -> set[str]:
    model, permission = _MODELS[relationship.replace("-exclusions", "s")]
    columns = model.__table__.c
    found = select(columns.id).where(
        in_values(columns.id, wanted),
        columns.organization_id == policy_set.organization_id,
        visible(permission, model),
    )
    return set(session.scalars(found))


def _record(session: Session, policy_set: PolicySet, action: str, changes: dict[str, Any]) -> None:
    if changes:
        policy_set.updated_at = now()
        session.flush()
        record_event(session, action, policy_set, _named(changes))


def _columns(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in _FIXED}


def _named(changes: dict[str, Any]) -> dict[str, Any]:
    return {"global" if name == "is-global" else name: change for name, change in changes.items()}


def _lock(session: Session, policy_set_id: str) -> PolicySet:
    return get_for_update(session, PolicySet, policy_set_id, P.POLICY_MANAGE)
