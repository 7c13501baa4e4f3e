"""The state versions of a workspace, all in one record, oldest first."""

from collections.abc import Mapping
from typing import Any, Final

from app.transfer.client import Resource, attributes_of
from app.transfer.kinds import Parent
from app.transfer.records import STATES, Record
from app.transfer.side import Side

FINALIZED: Final = "finalized"
ADDRESS: Final = "hosted-state-download-url"


def read_states(side: Side, parent: Parent) -> Record | None:
    """The record of a workspace; None if it has no state."""
    query = {"filter[organization][name]": side.organization, "filter[workspace][name]": parent.key[0]}
    versions = [
        version
        for each in side.api.every("/state-versions", query)
        if (version := _version(each, parent.key[0])) is not None
    ]
    # The list begins with the newest one.
    versions.reverse()
    return Record(kind=STATES, key=parent.key, attributes={"versions": versions}, id=parent.id) if versions else None


def _version(resource: Resource, workspace: str) -> dict[str, Any] | None:
    attributes = attributes_of(resource)
    # Older services don't say a status.
    if attributes.get("status", FINALIZED) != FINALIZED or not attributes.get(ADDRESS):
        return None
    return {
        "id": str(resource["id"]),
        "workspace": workspace,
        "serial": int(attributes["serial"]),
        "created-at": attributes.get("created-at"),
    }


def address_of(side: Side, version: Mapping[str, Any]) -> str | None:
    """Where the bytes of a version are; asked for anew, because an address does not stay valid for long."""
    found = side.api.find(f"/state-versions/{version['id']}")
    return attributes_of(found["data"]).get(ADDRESS) if found else None
