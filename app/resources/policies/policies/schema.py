"""The attributes and relationships of a policy (spec: policies)."""

from typing import Any, ClassVar

from marshmallow import ValidationError

from app.jsonapi import Json
from app.jsonapi.fields import Attribute, Choice, Computed, Constant, DateTime, Setting, Text, ToMany, ToOne
from app.jsonapi.schema import Schema
from app.models.policies import ENFORCEMENTS, OPA
from app.persistence import AnyRow

NAME_LENGTH = 90
NAME = r"[A-Za-z0-9_-]+"
DESCRIPTION_LENGTH = 2_000
QUERY_LENGTH = 1_000
NO_SENTINEL = "must be opa: Sentinel is not here, because its interpreter is not free; write the policy in Rego"
KIND = {"type": "string", "enum": [OPA]}


def read_kind(value: Json) -> str:
    """The language of policies: there is one."""
    if value == "sentinel":
        raise ValidationError(NO_SENTINEL)
    if value != OPA:
        raise ValidationError("must be opa")
    return OPA


def read_enforce(value: Json) -> str:
    """The level of the first entry, in the older form that some clients send."""
    modes = [each.get("mode") for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    if len(modes) != 1 or modes[0] not in ENFORCEMENTS:
        raise ValidationError(f"must be one object whose mode is {' or '.join(ENFORCEMENTS)}")
    return str(modes[0])


def show_enforce(row: AnyRow, _held: object) -> list[dict[str, Any]]:
    """The level, in the older form that some clients read."""
    return [{"path": f"{row.name}.rego", "mode": row.enforcement_level}]


ENFORCE = {
    "type": "array",
    "items": {"type": "object", "properties": {"path": {"type": "string"}, "mode": {"type": "string"}}},
}


class PolicySchema(Schema):
    """A rule about plans, written in Rego."""

    class Meta:
        """Its type and address."""

        type_ = "policies"
        self_link = "/api/v2/policies/{id}"
        more_links: ClassVar = {"upload": "/api/v2/policies/{id}/upload", "download": "/api/v2/policies/{id}/download"}

    id = Attribute()
    name = Text(
        required=True,
        minimum=1,
        maximum=NAME_LENGTH,
        pattern=NAME,
        pattern_message="must have letters, digits, - and _ alone",
        description="The name, unique in the organization.",
        example="no-public-ingress",
    )
    description = Text(
        maximum=DESCRIPTION_LENGTH, nullable=True, description="A note for people.", example="Closed by default"
    )
    kind = Setting(
        read_kind, schema=KIND, load_only=True, description="The language: `opa` for Rego. Sentinel is not here."
    )
    shown_kind = Constant(OPA, data_key="kind")
    query = Text(
        required=True,
        minimum=1,
        maximum=QUERY_LENGTH,
        description="The rule whose result is the list of what is wrong: an empty list or set passes.",
        example="data.terraform.deny",
    )
    enforcement_level = Choice(
        ENFORCEMENTS,
        description="`mandatory` stops a run that does not pass; `advisory` only tells.",
        example="advisory",
    )
    enforce = Setting(
        read_enforce,
        schema=ENFORCE,
        load_only=True,
        description="The older form of `enforcement-level`: one object with a `mode`.",
    )
    shown_enforce = Computed(
        show_enforce, schema=ENFORCE, data_key="enforce", description="The older form of the level."
    )
    policy_set_count = Attribute(description="In how many sets it is.")
    updated_at = DateTime(dump_only=True, description="When it was changed, or its code uploaded.")

    organization = ToOne("organizations", column="organization_name")
    policy_sets = ToMany("policy-sets", column="policy_set_ids")
