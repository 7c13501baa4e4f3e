"""Which of a workspace's state versions is the newest, and making it the current one."""

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from app.models.auto_destroy import time_after
from app.models.state_versions import DISCARDED, FINALIZED, PENDING, StateVersion
from app.models.workspaces import Workspace
from app.persistence import now

# Each of the tools takes providers from its own registry, and writes the host into the state.
OPENTOFU_REGISTRY, TERRAFORM_REGISTRY = "registry.opentofu.org", "registry.terraform.io"
_PROVIDER = 'provider["'


def has_encrypted_state() -> ColumnElement[bool]:
    """Whether the current state of a workspace is encrypted: nobody here can tell then which resources it has."""
    versions = StateVersion.__table__.c
    return (
        select(versions.id)
        .where(versions.id == Workspace.current_state_version_id, versions.encrypted)
        .correlate(Workspace)
        .exists()
    )


def pending_version(session: Session, workspace_id: str) -> StateVersion | None:
    """The version whose state was announced but has not arrived; until it has, the workspace can't be unlocked."""
    return _last(session, workspace_id, PENDING)


def newest_version(session: Session, workspace_id: str) -> StateVersion | None:
    """The last version whose state has arrived, whether or not it is current already."""
    return _last(session, workspace_id, FINALIZED)


def _last(session: Session, workspace_id: str, status: str) -> StateVersion | None:
    return session.scalars(
        select(StateVersion)
        .where(StateVersion.workspace_id == workspace_id, StateVersion.status == status)
        .order_by(StateVersion.number.desc())
        .limit(1),
    ).one_or_none()


def discard_pending(session: Session, workspace_id: str) -> None:
    """Discard the announced version whose state has not arrived; its upload is refused from now on."""
    session.execute(
        update(StateVersion)
        .where(StateVersion.workspace_id == workspace_id, StateVersion.status == PENDING)
        .values(status=DISCARDED, intermediate=False)
        .execution_options(synchronize_session="fetch"),
    )


def promote_latest(session: Session, workspace: Workspace) -> None:
    """Make the last version that has arrived the workspace's current one; used by unlock and force-unlock."""
    newest = newest_version(session, workspace.id)
    if newest is None or newest.id == workspace.current_state_version_id:
        return
    newest.intermediate = False
    workspace.current_state_version_id = newest.id
    if not workspace.has_own_iac_tool:
        workspace.iac_tool = _iac_tool_of(newest) or workspace.iac_tool
    workspace.resource_count = newest.resource_count
    workspace.state_changed_at = moment = now()
    manages_something = newest.encrypted or newest.resource_count > 0
    workspace.auto_destroy_due_at = time_after(workspace, moment, manages_something=manages_something)
    workspace.auto_destroy_status = workspace.auto_destroy_error = None
    session.flush()


def _iac_tool_of(version: StateVersion) -> str | None:
    """The tool that wrote the state; None if the state does not tell, as one without resources."""
    hosts = {provider.removeprefix(_PROVIDER).partition("/")[0] for provider in version.providers or ()}
    if version.encrypted or OPENTOFU_REGISTRY in hosts:
        return "opentofu"
    return "terraform" if TERRAFORM_REGISTRY in hosts else None
