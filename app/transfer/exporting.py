"""Making an archive of one project."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from flask import Flask

from app.backups.creating import new_file
from app.backups.encryption import Lock, encrypted
from app.persistence import now
from app.persistence.copying import reading_at_one_moment
from app.resources.workspaces.state_versions.state_parser import StateReader
from app.services import Services
from app.storage.holding import Hold, HoldLost, removals_held
from app.transfer.archive import CODE, FORMAT, HEAD, RECORDS, STATES, Writer
from app.transfer.client import Api, Refused, attributes_of
from app.transfer.inside import Inside
from app.transfer.reading import Reading, find_project
from app.transfer.records import LEFT_OUT, VARIABLES, VARSET_VARIABLES, Record, Source, TransferError
from app.transfer.records import STATES as STATE_RECORDS
from app.transfer.secrets import SealedValues
from app.transfer.side import Side
from app.transfer.tfe import Code

MISSING_VALUE: Final = "its value is sensitive: it is not in the archive without --with-sensitive-values"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What an archive has."""

    project: str
    counts: Counter[str]
    states: int
    left_out: list[str]


def export(  # noqa: PLR0913 - what, whence and whither
    app: Flask,
    own: Services,
    project: str,
    path: Path,
    lock: Lock,
    *,
    with_values: bool = False,
    progress: Callable[[str], None] = lambda _text: None,
) -> Exported:
    """Write an archive of a project, named by its id or as ``organization/project``, as it is at one moment."""
    if with_values and lock.is_open:
        raise TransferError("Sensitive values are only put into an archive that is encrypted.")
    # Held before the database is looked at, so that no state that it names then is removed.
    with new_file(path) as file, removals_held(own.engines) as hold, reading_at_one_moment(own.engines):
        secrets = SealedValues(own.engines, own.keyring) if with_values else None
        side, resource = _found(Api(Inside(app)), project, secrets)
        reading = Reading(side, project=resource, progress=progress)
        with encrypted(file, lock) as inner:
            writer = Writer(inner)
            try:
                writer.document(HEAD, _head(side, resource, with_values=with_values))
                return _write(writer, side, reading, str(attributes_of(resource)["name"]), hold)
            except BaseException:
                writer.abandon()
                raise


def _found(api: Api, project: str, secrets: SealedValues | None) -> tuple[Side, dict[str, Any]]:
    organization, _, name = project.rpartition("/")
    if organization:
        side = Side(api, organization, secrets)
        if api.find(side.path) is None:
            raise TransferError(f"There is no organization {organization}.")
        return side, find_project(side, name)
    found = api.find(f"/projects/{name}")
    if found is None:
        raise TransferError(f"There is no project {name}; name it by its id, or as organization/project.")
    resource = found["data"]
    return Side(api, str(resource["relationships"]["organization"]["data"]["id"]), secrets), resource


def _head(side: Side, resource: dict[str, Any], *, with_values: bool) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "created_at": now().isoformat(),
        "organization": side.organization,
        "project": attributes_of(resource)["name"],
        "project_id": resource["id"],
        "with_sensitive_values": with_values,
    }


def _write(writer: Writer, side: Side, reading: Source, project: str, hold: Hold) -> Exported:
    counts: Counter[str] = Counter()
    notes: list[str] = []
    states = 0
    with tempfile.TemporaryFile() as lines, tempfile.TemporaryFile() as code_file:
        code = Code(code_file, side.organization, project)
        for record in reading.records():
            _renew(hold)
            if record.kind == STATE_RECORDS:
                states += _copy_states(writer, reading, record, hold, notes)
            if record.kind == LEFT_OUT:
                notes.append(f"{' '.join(record.key)}: {record.attributes['text']}")
            else:
                counts[record.kind] += 1
            if _lacks_value(record):
                notes.append(f"variable {record.name}: {MISSING_VALUE}")
            lines.write(orjson.dumps(record.as_json()) + b"\n")
            code.add(record)
        code.end()
        writer.file(RECORDS, lines)
        writer.file(CODE, code_file)
        writer.close({"records": dict(sorted(counts.items())), "states": states, "left_out": notes})
    return Exported(project=project, counts=counts, states=states, left_out=notes)


def _lacks_value(record: Record) -> bool:
    attributes = record.attributes
    is_variable = record.kind in {VARIABLES, VARSET_VARIABLES}
    return is_variable and bool(attributes.get("sensitive")) and attributes.get("value") is None


def _copy_states(writer: Writer, reading: Source, record: Record, hold: Hold, notes: list[str]) -> int:
    """Write the states of a workspace, and what they are into the record."""
    kept = []
    for number, version in enumerate(record.attributes["versions"], 1):
        name = f"{STATES}{record.key[0]}/{number:06d}-serial-{version['serial']}.tfstate"
        # It also reads the lineage, and whether the bytes are a state at all.
        reader = StateReader()
        try:
            with reading.state(version) as pieces:
                digest = writer.stream(name, reader.tee(_renewing(hold, pieces)))
        except Refused as error:
            # It was lost before. The rest is worth keeping all the same.
            notes.append(f"state of {record.key[0]} with serial {version['serial']}: {error}")
            continue
        told = {"lineage": reader.summary.lineage, "terraform-version": reader.summary.terraform_version}
        sums = {"md5": digest.md5, "sha256": digest.sha256, "size": digest.size}
        kept.append({**version, "file": name, **told, **sums})
    record.attributes["versions"] = kept
    return len(kept)


def _renewing(hold: Hold, pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        _renew(hold)
        yield piece


def _renew(hold: Hold) -> None:
    try:
        hold.renew()
    except HoldLost as error:
        raise TransferError(f"The export is given up: {error}.") from error
