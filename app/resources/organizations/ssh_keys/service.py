"""Use cases of SSH keys: each checks the caller, changes in one transaction and records its event."""

from typing import Any

from sqlalchemy import select, update

from app.authentication.callers import OrganizationRef
from app.authz.permissions import P
from app.models.ssh_keys import SshKey
from app.models.workspaces import Workspace
from app.persistence import now
from app.resources.organizations.ssh_keys.listing import SSH_KEYS
from app.services import services
from app.web.listing import ResourceObject
from app.web.policy import get_for_update
from app.web.transaction import apply_changes, record_event, record_events, transaction


def create_ssh_key(members: dict[str, Any], org: OrganizationRef) -> ResourceObject:
    """Store a key, in sealed form."""
    with transaction() as session:
        sealed = services().keyring.seal(members["value"].encode())
        key = SshKey(organization_id=org.id, name=members["name"], sealed_value=sealed)
        session.add(key)
        session.flush()
        record_event(session, "ssh-keys.create", key, {"name": [None, key.name]})
        return SSH_KEYS.get_resource({"id": key.id}, session)


def update_ssh_key(key_id: str, members: dict[str, Any]) -> ResourceObject:
    """Give a key another name. Its value stays: what a workspace was given must not turn into something else."""
    with transaction() as session:
        key = get_for_update(session, SshKey, key_id, P.SSH_KEY_MANAGE)
        changes = apply_changes(key, {name: value for name, value in members.items() if name == "name"})
        if changes:
            session.flush()
            record_event(session, "ssh-keys.update", key, changes)
        return SSH_KEYS.get_resource({"id": key_id}, session)


def destroy_ssh_key(key_id: str) -> None:
    """Delete a key; workspaces that have it are left without one."""
    with transaction() as session:
        key = get_for_update(session, SshKey, key_id, P.SSH_KEY_MANAGE)
        left = session.scalars(
            select(Workspace)
            .where(Workspace.ssh_key_id == key_id)
            .order_by(Workspace.id)
            .with_for_update(of=Workspace, key_share=True)
        ).all()
        session.execute(
            update(Workspace)
            .where(Workspace.ssh_key_id == key_id)
            .values(ssh_key_id=None, updated_at=now())
            .execution_options(synchronize_session=False)
        )
        changes = {"ssh-key-id": [key_id, None]}
        record_events(session, "workspaces.update", [(workspace, changes) for workspace in left])
        session.delete(key)
        record_event(session, "ssh-keys.delete", key, {"name": [key.name, None]})
