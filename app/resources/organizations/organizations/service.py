"""Use cases of organizations: each checks the caller, changes in one transaction and records its event."""

from typing import Any

from app.authentication.callers import OrganizationRef
from app.authz.permissions import P
from app.models.organizations import Organization
from app.resources.organizations.organizations.listing import ORGANIZATIONS
from app.resources.organizations.organizations.operations import (
    create_organization_with_owner,
    delete_organization,
    lock_projects,
    normalize_attributes,
)
from app.web.listing import ResourceObject
from app.web.policy import get_for_update
from app.web.transaction import apply_changes, created_changes, record_event, transaction


def create_organization(user_id: str, sent: dict[str, Any]) -> str:
    """Create an organization with its default project and its owners team; the user becomes member and owner.

    Returns its id.
    """
    with transaction() as session:
        members = normalize_attributes(session, sent, None)
        organization = create_organization_with_owner(session, members, user_id)
        record_event(session, "organizations.create", organization, created_changes(members))
        session.flush()
        return organization.id


def update_organization(org: OrganizationRef, members: dict[str, Any]) -> ResourceObject:
    """Update an organization. A new name changes its address. Attributes that are left out stay as they are."""
    with transaction() as session:
        found = get_for_update(session, Organization, org.id, P.ORGANIZATION_UPDATE)
        changes = apply_changes(found, normalize_attributes(session, members, found))
        session.flush()
        if changes:
            record_event(session, "organizations.update", found, changes)
        return ORGANIZATIONS.get_resource({"id": org.id}, session)


def destroy_organization(org: OrganizationRef) -> None:
    """Delete an organization with everything in it."""
    with transaction() as session:
        lock_projects(session, org.id)
        found = get_for_update(session, Organization, org.id, P.ORGANIZATION_DELETE)
        delete_organization(session, found)
        record_event(session, "organizations.delete", found)
