"""The rules of state versions: when a new one is accepted, which one is current, and how the lock matters."""

from typing import Any, Final

from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from app.jsonapi.errors import ApiError, Conflict, InvalidAttribute
from app.models.state_versions import DISCARDED, FINALIZED, StateVersion, StateVersionOutput
from app.models.workspace_states import Latest
from app.persistence import AnyRow, Base, ChangedRow, identifier
from app.resources.workspaces.state_versions.instances import follow_instances
from app.resources.workspaces.state_versions.state_contents import Output, Summary
from app.services import services
from app.storage.ledger import Stored

VERSIONS: Final = Base.metadata.tables[StateVersion.__tablename__]
_OUTPUTS: Final = Base.metadata.tables[StateVersionOutput.__tablename__].insert()
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


def check_agrees(newest: AnyRow, serial: int, md5: str, lineage: str | None) -> None:
    """Refuse a state that does not follow the workspace's newest one. The caller has locked the workspace's row."""
    if newest is None:
        return
    _check_lineage(newest, lineage)
    if serial < newest.serial:
        raise SerialNotGreater
    if serial == newest.serial and md5 != newest.md5:
        raise SerialTaken


def _check_lineage(newest: AnyRow, lineage: str | None) -> None:
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


def next_serial(newest: AnyRow) -> int:
    """The serial above that of the newest version, and above that of its state."""
    return 0 if newest is None else max(newest.serial, newest.serial_in_state or 0) + 1


def pending_version(workspace: AnyRow, latest: Latest, author_id: str | None, members: dict[str, Any]) -> StateVersion:
    """A new version that waits for its state; neither written nor in a session. ``discarded`` belongs to it."""
    version = StateVersion(
        organization_id=workspace.organization_id,
        workspace_id=workspace.id,
        number=1 if latest.created is None else latest.created.number + 1,
        created_by_id=author_id,
        **members,
    )
    # For the event: else they would be read from the database.
    for name in ("project_id", "environment_id", "cell"):
        set_committed_value(version, name, getattr(workspace, name))
    return version


def discarded(latest: Latest) -> list[ChangedRow]:
    """The version that a new one discards, because it still waits for its state; its upload is refused from then on."""
    if not latest.is_pending:
        return []
    return [ChangedRow(VERSIONS, {"status": DISCARDED, "intermediate": False}, latest.created.id)]


def lineage_of(version: AnyRow, newest: AnyRow, summary: Summary) -> str | None:
    """The lineage of the version: if none was announced, that of its state, which is checked like an announced one."""
    announced: str | None = version.lineage
    if announced or not summary.lineage:
        return announced
    if newest is not None and not version.forced:
        _check_lineage(newest, summary.lineage)
    return summary.lineage


def arrived(version: AnyRow, newest: AnyRow, stored: Stored, summary: Summary) -> dict[str, Any]:
    """The columns of the version when its state has arrived; refuses one that does not follow the newest version."""
    # Whatever serials the versions were given, those in the states count as well.
    least = 0 if newest is None or version.forced else newest.serial_in_state or 0
    if summary.serial is not None and summary.serial < least:
        raise SerialNotGreater
    return {
        "instances": [list(each) for each in follow_instances(version, newest, summary)],
        "status": FINALIZED,
        "state_object": stored.name,
        "state_key": stored.key,
        "size": summary.size,
        "md5": summary.md5,
        "serial_in_state": summary.serial,
        "format": summary.format,
        "terraform_version": summary.terraform_version,
        "encrypted": summary.encrypted,
        "resource_count": summary.resource_count,
        "resources": summary.resources,
        "modules": dict(summary.modules),
        "providers": dict(summary.providers),
    }


def write_outputs(session: Session, version: AnyRow, summary: Summary) -> None:
    """Write the outputs of the version, which is written already."""
    if summary.outputs:
        rows = [_output_row(version, output) for output in summary.outputs.values()]
        session.connection().execute(_OUTPUTS, rows)


def _output_row(version: AnyRow, output: Output) -> dict[str, Any]:
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
