"""The rules of state versions: what a new one must agree with, which one is current, and the part of the lock in it."""

from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from app.jsonapi.errors import ApiError, Conflict
from app.models.state_versions import DISCARDED, FINALIZED, PENDING, StateVersion, StateVersionOutput
from app.models.workspaces import Workspace
from app.persistence import identifier, now
from app.persistence.identifiers import random_text
from app.resources.workspaces.state_versions.state_parser import Output, Summary
from app.services import services
from app.storage.ledger import Stored, attach

new_output_id = identifier("wsout")


class LineageMismatch(Conflict):
    """The state has another lineage than the workspace's current state."""

    code = "state-lineage-mismatch"
    detail = (
        "The lineage provided in the state file does not match the value currently known by Terraform Cloud. "
        "This means that the provided state is most likely not related to the target workspace. "
        "Check that the backend configuration is correct and try again."
    )


class SerialNotGreater(ApiError):
    """The state is older than the workspace's current state. The line breaks are in the text that clients know."""

    status = 412
    title = "Precondition Failed"
    code = "state-serial-not-greater"
    detail = (
        "The serial provided in the state file is not greater than the serial\n"
        "currently known remotely. This means that there may be an update performed\n"
        "since your version of that state. Update to the latest state to resolve\n"
        "conflicts and try again"
    )


class SerialTaken(Conflict):
    """Another state of the workspace has the same serial."""

    code = "state-serial-taken"
    detail = "The MD5 hash of the state provided does not match what is currently known for the same serial number"


class VersionDiscarded(Conflict):
    """A newer version, or a force-unlock, has discarded this version; it takes no state any more."""

    code = "state-version-discarded"
    detail = "The state version was discarded; its state is no longer accepted"


def object_name(workspace_id: str) -> str:
    """A new name for the store. Each upload writes an object of its own; the row says which one counts."""
    return f"states/{workspace_id}/{random_text(24)}"


def pending_version(session: Session, workspace_id: str) -> StateVersion | None:
    """The version whose state was announced but has not arrived. While there is one, no unlock is possible."""
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
    workspace.resource_count = newest.resource_count
    workspace.state_changed_at = now()
    session.flush()


def check_agrees(session: Session, workspace_id: str, serial: int, md5: str, lineage: str | None) -> None:
    """Refuse a state that does not follow the workspace's newest one. The caller has locked the workspace's row."""
    newest = newest_version(session, workspace_id)
    if newest is None:
        return
    if lineage and newest.lineage and lineage != newest.lineage:
        raise LineageMismatch
    if serial < newest.serial:
        raise SerialNotGreater
    if serial == newest.serial and md5 != newest.md5:
        raise SerialTaken


def create_pending(
    session: Session, workspace: Workspace, author_id: str | None, members: dict[str, Any]
) -> StateVersion:
    """Create a version that waits for its state. One that was still waiting is discarded."""
    discard_pending(session, workspace.id)
    last = session.scalar(
        select(func.max(StateVersion.number)).where(StateVersion.workspace_id == workspace.id),
    )
    version = StateVersion(
        organization_id=workspace.organization_id,
        workspace_id=workspace.id,
        number=(last or 0) + 1,
        created_by_id=author_id,
        **members,
    )
    session.add(version)
    session.flush()
    return version


def accept_state(
    session: Session, workspace: Workspace, version: StateVersion, stored: Stored, summary: Summary
) -> None:
    """Make the stored state that of the version. If the workspace is not locked, it becomes the current one at once."""
    attach(session, stored.name)
    version.status = FINALIZED
    version.state_object, version.state_key = stored.name, stored.key
    version.size, version.md5 = summary.size, summary.md5
    version.format, version.terraform_version = summary.format, summary.terraform_version
    version.resource_count = summary.resource_count
    version.resources = summary.resources
    version.modules, version.providers = dict(summary.modules), dict(summary.providers)
    session.flush()
    if summary.outputs:
        rows = [_output_row(version, output) for output in summary.outputs.values()]
        session.execute(insert(StateVersionOutput), rows)
    if not workspace.locked:
        promote_latest(session, workspace)


def accept_json_state(session: Session, version: StateVersion, stored: Stored) -> None:
    """Make the stored JSON form of the state that of the version."""
    attach(session, stored.name)
    version.json_state_object, version.json_state_key = stored.name, stored.key
    session.flush()


def _output_row(version: StateVersion, output: Output) -> dict[str, Any]:
    return {
        "id": new_output_id(),
        "organization_id": version.organization_id,
        "workspace_id": version.workspace_id,
        "state_version_id": version.id,
        "name": output.name,
        "sensitive": output.sensitive,
        "type": output.type,
        "detailed_type": output.declared,
        "value": services().keyring.seal(output.value.encode()),
    }
