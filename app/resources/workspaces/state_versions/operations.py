"""The rules of state versions: when a new one is accepted, which one is current, and how the lock matters."""

from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from app.jsonapi.errors import ApiError, Conflict, InvalidAttribute
from app.models.state_versions import FINALIZED, StateVersion, StateVersionOutput
from app.models.workspace_states import discard_pending, newest_version, promote_latest
from app.models.workspaces import Workspace
from app.persistence import identifier
from app.persistence.identifiers import random_text
from app.resources.workspaces.state_versions.instances import follow_instances, forget_instances
from app.resources.workspaces.state_versions.state_contents import Output, Summary
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
    """The state is older than the workspace's current state. Clients know the text with these line breaks."""

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


class SerialAboveState(InvalidAttribute):
    """The serial of the version is above the one in its state."""

    code = "state-serial-above-state"


class VersionDiscarded(Conflict):
    """A newer version, or a force-unlock, has discarded this version; it accepts no state any more."""

    code = "state-version-discarded"
    detail = "The state version was discarded; its state is no longer accepted"


def object_name(workspace_id: str) -> str:
    """A new name for the store. Each upload writes an object of its own; the row names the valid one."""
    return f"states/{workspace_id}/{random_text(24)}"


def check_agrees(session: Session, workspace_id: str, serial: int, md5: str, lineage: str | None) -> None:
    """Refuse a state that does not follow the workspace's newest one. The caller has locked the workspace's row."""
    newest = newest_version(session, workspace_id)
    if newest is None:
        return
    _check_lineage(newest, lineage)
    if serial < newest.serial:
        raise SerialNotGreater
    if serial == newest.serial and md5 != newest.md5:
        raise SerialTaken


def _check_lineage(newest: StateVersion, lineage: str | None) -> None:
    if lineage and newest.lineage and lineage != newest.lineage:
        raise LineageMismatch


def check_serial(serial: int, summary: Summary, *, pointer: str | None = None) -> None:
    """Refuse a version whose serial is above the one in its state: the next apply would be taken for an older state.

    A lower one is accepted, as with HCP Terraform.
    """
    if summary.serial is not None and serial > summary.serial:
        raise SerialAboveState(
            f"Serial is {serial}, but the serial in the state is {summary.serial}; send the one in the state, "
            "or nobody could store the next state",
            pointer=pointer,
        )


def next_serial(session: Session, workspace_id: str) -> int:
    """The serial above that of the newest version, and above that of its state."""
    newest = newest_version(session, workspace_id)
    return 0 if newest is None else max(newest.serial, newest.serial_in_state or 0) + 1


def _check_not_older(newest: StateVersion, summary: Summary) -> None:
    """Refuse a state that is older than the newest one by the serials in both, whatever their versions were given."""
    if summary.serial is not None and summary.serial < (newest.serial_in_state or 0):
        raise SerialNotGreater


def settle_lineage(session: Session, version: StateVersion, summary: Summary) -> None:
    """Take the lineage from the state if the announcement had none, and check it like an announced one."""
    if version.lineage or not summary.lineage:
        return
    newest = newest_version(session, version.workspace_id)
    if newest is not None and not version.forced:
        _check_lineage(newest, summary.lineage)
    version.lineage = summary.lineage


def create_pending(
    session: Session, workspace: Workspace, author_id: str | None, members: dict[str, Any]
) -> StateVersion:
    """Create a version that waits for its state. An earlier one that is still waiting is discarded."""
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
    # For the event: else they would be read from the database.
    for name in ("project_id", "environment_id", "cell"):
        set_committed_value(version, name, getattr(workspace, name))
    return version


def accept_state(
    session: Session, workspace: Workspace, version: StateVersion, stored: Stored, summary: Summary
) -> None:
    """Attach the stored state to the version, which becomes current at once if the workspace is not locked."""
    newest = newest_version(session, workspace.id)
    if newest is not None and not version.forced:
        _check_not_older(newest, summary)
    attach(session, stored.name)
    version.instances = [list(each) for each in follow_instances(version, newest, summary)]
    version.status = FINALIZED
    version.state_object, version.state_key = stored.name, stored.key
    version.size, version.md5, version.serial_in_state = summary.size, summary.md5, summary.serial
    version.format, version.terraform_version = summary.format, summary.terraform_version
    version.encrypted = summary.encrypted
    version.resource_count = summary.resource_count
    version.resources = summary.resources
    version.modules, version.providers = dict(summary.modules), dict(summary.providers)
    session.flush()
    if summary.outputs:
        rows = [_output_row(version, output) for output in summary.outputs.values()]
        session.execute(insert(StateVersionOutput), rows)
    if not workspace.locked:
        promote_latest(session, workspace)
    forget_instances(session, workspace, version)


def accept_json_state(session: Session, version: StateVersion, stored: Stored, size: int) -> None:
    """Attach the stored JSON form of the state to the version."""
    attach(session, stored.name)
    version.json_state_object, version.json_state_key, version.json_state_size = stored.name, stored.key, size
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
