"""The attributes and relationships of state versions and of their outputs (spec: state versions)."""

from collections.abc import Callable, Container
from typing import Any

import orjson
from marshmallow import ValidationError

from app.authz.permissions import P
from app.jsonapi import Json
from app.jsonapi.encoded import decode_base64
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
        return decode_base64(value)
    except ValueError:
        raise ValidationError("is not valid base64") from None


def _encoded(*, description: str) -> Setting:
    return Setting(read_base64, load_only=True, allow_none=True, schema=NULLABLE_TEXT, description=description)


def _processed(row: AnyRow, _held: object) -> bool:
    return row.resources is not None


def _address(
    direction: Direction,
    part: Part,
    is_due: Callable[[Any], bool],
    needed: P,
    *,
    description: str,
) -> Computed:
    """An attribute with a signed address; null while none ``is_due``, and for callers who may not use it."""

    def make(row: AnyRow, _held: object) -> str | None:
        return signed_address(direction, row.id, part) if is_due(row) else None

    return Computed(make, schema=NULLABLE_TEXT, shown_to=needed, reads=(), description=description)


class StateVersionSchema(Schema):
    """A state version. Its state is sent inside the document or uploaded to an address, and downloaded from one."""

    class Meta:
        """Its type and address."""

        type_ = "state-versions"
        self_link = "/api/v2/state-versions/{id}"

    id = Attribute()
    created_at = DateTime(dump_only=True)
    size = Attribute(description="Bytes of the state.")
    serial = Integer(
        required=True,
        minimum=0,
        maximum=MAXIMUM_SERIAL,
        description="The serial number in the state. It must be higher than that of the current state.",
        example=1,
    )
    md5 = Text(
        required=True,
        maximum=32,
        pattern="[0-9A-Fa-f]{32}",
        pattern_message="must be 32 hexadecimal digits",
        load_only=True,
        description="The MD5 of the state in hexadecimal digits, with which the service checks what it got.",
        example="d41d8cd98f00b204e9800998ecf8427e",
    )
    lineage = Text(
        maximum=LINEAGE_LENGTH,
        nullable=True,
        load_only=True,
        description="The lineage in the state, which counts if it is left out. It must be the workspace's.",
        example="871d1b4a-e579-fb7c-ffdb-f0c858a647a7",
    )
    force = Boolean(
        load_only=True,
        allow_none=True,
        description="Whether to take the state although its serial or lineage does not follow the current one.",
    )
    state = _encoded(description="The state in base64. Without it, the answer has an address to upload it to.")
    json_state = _encoded(description="The output of `terraform show -json` in base64.")
    json_state_outputs = _encoded(description="The outputs of the state as JSON, in base64.")
    status = Choice(
        STATUSES,
        dump_only=True,
        description="`pending` until the state is uploaded, then `finalized`; `discarded` for one that "
        "will never come.",
    )
    intermediate = Attribute(description="Whether terraform stored it in the middle of an apply.")
    hosted_state_download_url = _address(
        "download",
        "state",
        lambda row: bool(row.state_object),
        P.STATE_READ,
        description="A signed address that gives the state for 25 hours.",
    )
    hosted_json_state_download_url = _address(
        "download",
        "json-state",
        lambda row: bool(row.json_state_object),
        P.STATE_READ,
        description="A signed address that gives the state as JSON, if it was sent.",
    )
    hosted_state_upload_url = _address(
        "upload",
        "state",
        lambda row: row.status == PENDING,
        P.STATE_WRITE,
        description="A signed address that takes the state; null once it is there.",
    )
    hosted_json_state_upload_url = _address(
        "upload",
        "json-state",
        lambda row: row.status == PENDING and not row.json_state_object,
        P.STATE_WRITE,
        description="A signed address that takes the state as JSON; null once it is there.",
    )
    resources_processed = Computed(
        _processed, schema={"type": "boolean"}, description="Whether outputs and resources are read from the state."
    )
    resources = Attribute(description="The resources in the state. Lists show a long one as null.")
    modules = Attribute(description="The resources counted by module.")
    providers = Attribute(description="The resources counted by provider.")
    state_version = Attribute(attribute="format", description="The version of the state's format.")
    encrypted = Attribute(
        description="Whether OpenTofu encrypted the state before it was sent; then nothing else is read from it."
    )
    terraform_version = Attribute(description="The version of Terraform that wrote the state.")
    vcs_commit_sha = Constant(None)
    vcs_commit_url = Constant(None)
    # Nobody is billed by the number of resources.
    billable_rum_count = Constant(None)

    workspace = ToOne("workspaces", column="workspace_id", related="/api/v2/workspaces/{workspace_id}")
    run = ToOne("runs", column="run_id", related="/api/v2/runs/{run_id}")
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


def show_if_readable(row: AnyRow, held: Container[P]) -> orjson.Fragment | None:
    """The value of an output; that of a sensitive one for callers who could read it in the state as well."""
    return None if row.sensitive and P.STATE_READ not in held else _value(row)


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
    name = Attribute(description="The name of the output.")
    sensitive = Attribute(description="Whether terraform calls the output sensitive.")
    type = Attribute(description="The kind of value: `string`, `number`, `boolean`, `array` or `object`.")
    value = Computed(
        show_unless_sensitive,
        schema={},
        description="The value. Null for a sensitive output, where the address does not reveal it.",
    )
    detailed_type = Attribute(description="The type as terraform writes it in the state.")


class ReadableOutputSchema(OutputSchema):
    """An output with its value; that of a sensitive one is null for callers who may not read the state."""

    class Meta:
        """Its type and address."""

        type_ = "state-version-outputs"
        self_link = "/api/v2/state-version-outputs/{id}"

    value = Computed(show_if_readable, schema={})


class RevealedOutputSchema(OutputSchema):
    """An output with its value, sensitive or not."""

    class Meta:
        """Its type and address."""

        type_ = "state-version-outputs"
        self_link = "/api/v2/state-version-outputs/{id}"

    value = Computed(show_value, schema={})
