"""The attributes and relationships of state versions and of their outputs (spec: state versions)."""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from typing import Any

import orjson
from marshmallow import ValidationError

from app.authz.permissions import P
from app.jsonapi import Json
from app.jsonapi.fields import (
    Attribute,
    Boolean,
    Choice,
    Computed,
    Constant,
    DateTime,
    Integer,
    Setting,
    Text,
    ToMany,
    ToOne,
)
from app.jsonapi.schema import Schema
from app.models.state_versions import PENDING, STATUSES
from app.persistence import AnyRow
from app.resources.workspaces.state_versions.addresses import Direction, Part, signed_address
from app.services import services

# Leaves room above it, because a rollback uses the next serial.
MAXIMUM_SERIAL = 2**62
LINEAGE_LENGTH = 255
NULLABLE_TEXT = {"type": ["string", "null"]}


def read_base64(value: Json) -> bytes:
    """The bytes of an attribute in base64."""
    if not isinstance(value, str):
        raise ValidationError("must be a string")
    try:
        return b64decode(value, validate=True)
    except (Base64Error, ValueError):
        raise ValidationError("is not valid base64") from None


def _encoded() -> Setting:
    return Setting(read_base64, load_only=True, allow_none=True, schema=NULLABLE_TEXT)


def _processed(row: AnyRow, _held: object) -> bool:
    return row.resources is not None


def _address(direction: Direction, part: Part, is_due: Callable[[Any], bool], needed: P) -> Computed:
    """An attribute with a signed address; null while none ``is_due``, and for callers who may not use it."""

    def make(row: AnyRow, _held: object) -> str | None:
        return signed_address(direction, row.id, part) if is_due(row) else None

    return Computed(make, schema=NULLABLE_TEXT, shown_to=needed, reads=())


class StateVersionSchema(Schema):
    """A state version. Its state is sent inside the document or uploaded to an address, and downloaded from one."""

    class Meta:
        """Its type and address."""

        type_ = "state-versions"
        self_link = "/api/v2/state-versions/{id}"

    id = Attribute()
    created_at = DateTime(dump_only=True)
    size = Attribute()
    serial = Integer(required=True, minimum=0, maximum=MAXIMUM_SERIAL)
    md5 = Text(
        required=True,
        maximum=32,
        pattern="[0-9A-Fa-f]{32}",
        pattern_message="must be 32 hexadecimal digits",
        load_only=True,
    )
    lineage = Text(maximum=LINEAGE_LENGTH, nullable=True, load_only=True)
    force = Boolean(load_only=True, allow_none=True)
    state = _encoded()
    json_state = _encoded()
    json_state_outputs = _encoded()
    status = Choice(STATUSES, dump_only=True)
    intermediate = Attribute()
    hosted_state_download_url = _address("download", "state", lambda row: bool(row.state_object), P.STATE_READ)
    hosted_json_state_download_url = _address(
        "download",
        "json-state",
        lambda row: bool(row.json_state_object),
        P.STATE_READ,
    )
    hosted_state_upload_url = _address("upload", "state", lambda row: row.status == PENDING, P.STATE_WRITE)
    hosted_json_state_upload_url = _address(
        "upload",
        "json-state",
        lambda row: row.status == PENDING and not row.json_state_object,
        P.STATE_WRITE,
    )
    resources_processed = Computed(_processed, schema={"type": "boolean"})
    resources = Attribute()
    modules = Attribute()
    providers = Attribute()
    state_version = Attribute(attribute="format")
    terraform_version = Attribute()
    vcs_commit_sha = Constant(None)
    vcs_commit_url = Constant(None)
    # Nobody is billed by the number of resources.
    billable_rum_count = Constant(None)

    workspace = ToOne("workspaces", column="workspace_id", related="/api/v2/workspaces/{workspace_id}")
    run = ToOne("runs")
    created_by = ToOne("users", column="created_by_id", related="/api/v2/users/{created_by_id}")
    outputs = ToMany("state-version-outputs", related="/api/v2/state-versions/{id}/outputs")
    rollback_state_version = ToOne("state-versions", column="rollback_of_id")
    previous_state_version = ToOne("state-versions", column="previous_id")
    next_state_version = ToOne("state-versions", column="next_id")


class RollbackSchema(Schema):
    """The version to go back to."""

    class Meta:
        """Its type."""

        type_ = "state-versions"

    id = Attribute()
    rollback_of_id = ToOne("state-versions", writable=True, required=True, data_key="rollback-state-version")


def _value(row: AnyRow) -> orjson.Fragment:
    # The text as it was in the state, so that no number loses a digit.
    return orjson.Fragment(services().keyring.unseal(row.value))


def show_unless_sensitive(row: AnyRow, _held: object) -> orjson.Fragment | None:
    """The value of an output; null if terraform calls it sensitive."""
    return None if row.sensitive else _value(row)


def show_value(row: AnyRow, _held: object) -> orjson.Fragment:
    """The value of an output."""
    return _value(row)


class OutputSchema(Schema):
    """An output as lists show it, without sensitive values."""

    class Meta:
        """Its type and address."""

        type_ = "state-version-outputs"
        self_link = "/api/v2/state-version-outputs/{id}"

    id = Attribute()
    name = Attribute()
    sensitive = Attribute()
    type = Attribute()
    value = Computed(show_unless_sensitive, schema={})
    detailed_type = Attribute()


class RevealedOutputSchema(OutputSchema):
    """An output with its value, sensitive or not."""

    class Meta:
        """Its type and address."""

        type_ = "state-version-outputs"
        self_link = "/api/v2/state-version-outputs/{id}"

    value = Computed(show_value, schema={})
