"""The attributes and relationships of a run (spec: runs)."""

import re
from collections.abc import Callable, Container
from typing import Any

import orjson
from marshmallow import ValidationError

from app.authz.permissions import P
from app.jsonapi import Json
from app.jsonapi.fields import Attribute, Boolean, Computed, Constant, DateTime, Setting, Text, ToMany, ToOne
from app.jsonapi.schema import Schema
from app.models.run_transitions import Event, is_possible
from app.models.runs import APPLY_QUEUED, APPLYING, POST_APPLY_RUNNING, PRE_APPLY_RUNNING
from app.persistence import AnyRow
from app.services import services

MESSAGE_LENGTH = 10_000
ADDRESSES = 500
ADDRESS_LENGTH = 1_000
VARIABLES = 500
VALUE_LENGTH = 256 * 1024
VERSION_PATTERN = r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?"
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")
TEXTS = {"type": ["array", "null"], "items": {"type": "string"}}
VARIABLE_LIST = {
    "type": "array",
    "maxItems": VARIABLES,
    "items": {
        "type": "object",
        "required": ["key", "value"],
        "properties": {"key": {"type": "string"}, "value": {"type": "string"}},
    },
}
DEFAULT_MESSAGE = "Queued manually via the Terraform Enterprise API"


def read_addresses(value: Json) -> list[str] | None:
    """Addresses of resources; none if there are none."""
    if value is None:
        return None
    if not isinstance(value, list) or any(not isinstance(each, str) or not each for each in value):
        raise ValidationError("must be an array of addresses of resources, such as aws_instance.web")
    if len(value) > ADDRESSES or any(len(each) > ADDRESS_LENGTH for each in value):
        raise ValidationError(f"must have at most {ADDRESSES} addresses of at most {ADDRESS_LENGTH} characters")
    # An address becomes an argument of terraform's; none begins so.
    if any(each.startswith("-") or not each.isprintable() for each in value):
        raise ValidationError("must be an array of addresses of resources, such as aws_instance.web")
    return value or None


def refuse_any(reason: str) -> Callable[[Json], None]:
    """Accept null and an empty list, which some clients always send."""

    def read(value: Json) -> None:
        if value not in (None, []):
            raise ValidationError(f"must be empty: {reason}")

    return read


def read_variables(value: Json) -> list[dict[str, str]]:
    """The run's own variables: names, and values as HCL expressions."""
    if value is None:
        return []
    if not isinstance(value, list) or any(not isinstance(each, dict) for each in value):
        raise ValidationError("must be an array of objects with key and value")
    if len(value) > VARIABLES:
        raise ValidationError(f"must have at most {VARIABLES} variables")
    read: dict[str, str] = {}
    for each in value:
        key, text = each.get("key"), each.get("value")
        if not isinstance(key, str) or not VARIABLE_NAME.fullmatch(key):
            raise ValidationError("must have names of input variables as keys, such as region")
        if not isinstance(text, str) or len(text) > VALUE_LENGTH:
            raise ValidationError(f"must have values of at most {VALUE_LENGTH} characters, as HCL: {key}")
        if key in read:
            raise ValidationError(f"must have each key once: {key}")
        read[key] = text
    return [{"key": key, "value": text} for key, text in read.items()]


def show_actions(row: AnyRow, _held: object) -> dict[str, bool]:
    """What the status of the run allows, whoever asks."""
    return {
        "is-cancelable": is_possible(row, Event.CANCEL),
        "is-confirmable": is_possible(row, Event.APPLY),
        "is-discardable": is_possible(row, Event.DISCARD),
        "is-force-cancelable": is_possible(row, Event.FORCE_CANCEL),
    }


def cancel_permission(status: str) -> P:
    """What it takes to cancel a run of this status: its apply is for those who may apply."""
    of_applies = {PRE_APPLY_RUNNING, APPLY_QUEUED, APPLYING, POST_APPLY_RUNNING}
    return P.RUN_APPLY if status in of_applies else P.RUN_PLAN


def show_permissions(row: AnyRow, held: Container[P]) -> dict[str, bool]:
    """What the caller may do with the run, whatever its status is."""
    may_apply = P.RUN_APPLY in held
    return {
        "can-apply": may_apply,
        "can-cancel": cancel_permission(row.status) in held,
        "can-comment": P.RUN_PLAN in held,
        "can-discard": may_apply,
        "can-force-execute": may_apply,
        "can-force-cancel": may_apply and P.WORKSPACE_UPDATE in held,
        "can-override-policy-check": P.RUN_OVERRIDE_POLICIES in held,
    }


def _flags(*names: str) -> dict[str, Any]:
    return {"type": "object", "required": sorted(names), "properties": {name: {"type": "boolean"} for name in names}}


def show_list(column: str) -> Callable[[AnyRow, object], list[str]]:
    """The list in the column; empty if the column is null."""
    return lambda row, _held: getattr(row, column) or []


def show_variables(row: AnyRow, _held: object) -> list[dict[str, str]]:
    """The run's own variables."""
    return [] if row.sealed_variables is None else open_variables(row.sealed_variables)


def open_variables(sealed: str) -> list[dict[str, str]]:
    """The variables in the sealed text."""
    variables: list[dict[str, str]] = orjson.loads(services().keyring.unseal(sealed))
    return variables


class NewRunSchema(Schema):
    """A new run: what to plan, and of which workspace."""

    class Meta:
        """Its type."""

        type_ = "runs"

    id = Attribute()
    message = Text(
        maximum=MESSAGE_LENGTH,
        nullable=True,
        description="Why the run was started, for people.",
        example="Add a second server",
    )
    is_destroy = Boolean(description="Whether it destroys everything that the workspace manages.")
    refresh = Boolean(description="Whether terraform reads what really exists before it plans.")
    refresh_only = Boolean(description="Whether it only brings the state up to date with what really exists.")
    plan_only = Boolean(
        allow_none=True,
        description="Whether it only plans. Without it, the configuration version's `speculative` decides.",
    )
    save_plan = Boolean(description="Whether the plan is saved, and waits without a lock until somebody applies it.")
    auto_apply = Boolean(
        allow_none=True,
        description="Whether the plan is applied without asking. Without it, the workspace's setting decides.",
    )
    allow_empty_apply = Boolean(description="Whether the plan can be applied even if it changes nothing.")
    allow_config_generation = Boolean(description="Whether terraform writes configuration for imported resources.")
    debugging_mode = Boolean(description="Whether terraform logs in detail.")
    target_addrs = Setting(
        read_addresses,
        schema=TEXTS,
        allow_none=True,
        description="The only resources to plan, with what they depend on.",
        example=["terraform_data.web"],
    )
    replace_addrs = Setting(
        read_addresses,
        schema=TEXTS,
        allow_none=True,
        description="Resources to replace even if they did not change.",
        example=["terraform_data.web"],
    )
    terraform_version = Text(
        maximum=64,
        nullable=True,
        pattern=VERSION_PATTERN,
        pattern_message="must be the exact number of a release, such as 1.11.4",
        description="For a plan-only run, another release than the workspace's.",
    )
    variables = Setting(
        read_variables,
        schema=VARIABLE_LIST,
        allow_none=True,
        keeps_names=True,
        description="Input variables of this run alone, with values in HCL: a text has quotes.",
        example=[{"key": "region", "value": '"eu-west-1"'}],
    )

    invoke_action_addrs = Setting(
        refuse_any("this service invokes no actions"),
        schema=TEXTS,
        allow_none=True,
        has_effect=False,
        description="Actions to invoke. There are none here, so only an empty list is taken.",
    )
    policy_paths = Setting(
        refuse_any("the policies of a run are those of the sets that count in its workspace"),
        schema=TEXTS,
        allow_none=True,
        has_effect=False,
        description="Policies of one's own to check. There are none, so only an empty list is taken.",
    )

    workspace = ToOne("workspaces", writable=True, required=True, data_key="workspace")
    configuration_version = ToOne("configuration-versions", writable=True)


class RunSchema(Schema):
    """A run: a plan, and unless it only plans, an apply of it."""

    class Meta:
        """Its type and address."""

        type_ = "runs"
        self_link = "/api/v2/runs/{id}"

    id = Attribute()
    status = Attribute(description="What happens to the run now. The page about the states of runs has all of them.")
    status_timestamps = Attribute(description="When the run got each of its statuses: `planning-at`, `applied-at`, …")
    actions = Computed(
        show_actions,
        schema=_flags("is-cancelable", "is-confirmable", "is-discardable", "is-force-cancelable"),
        description="What the status allows, whoever asks.",
    )
    permissions = Computed(
        show_permissions,
        schema=_flags(
            "can-apply",
            "can-cancel",
            "can-comment",
            "can-discard",
            "can-force-execute",
            "can-force-cancel",
            "can-override-policy-check",
        ),
        description="What the caller may do, whatever the status is.",
    )
    created_at = DateTime(dump_only=True)
    updated_at = DateTime(dump_only=True)
    canceled_at = DateTime(dump_only=True, description="When somebody asked to cancel it.")
    force_cancel_available_at = DateTime(
        dump_only=True, description="When it can be canceled by force: a minute after somebody asked to cancel it."
    )
    has_changes = Attribute(description="Whether the plan changes anything; false until there is one.")
    source = Attribute(description="Where it came from: `tfe-api`, `terraform+cloud`, `tfe-configuration-version`.")
    trigger_reason = Attribute(description="Why it was created: `manual`, or the name of what created it.")
    message = Attribute(description="Why the run was started, for people.")
    is_destroy = Attribute(description="Whether it destroys everything that the workspace manages.")
    refresh = Attribute(description="Whether terraform reads what really exists before it plans.")
    refresh_only = Attribute(description="Whether it only brings the state up to date with what really exists.")
    plan_only = Attribute(description="Whether it only plans.")
    save_plan = Attribute(description="Whether the plan is saved, and waits without a lock until somebody applies it.")
    auto_apply = Attribute(description="Whether the plan is applied without asking.")
    allow_empty_apply = Attribute(description="Whether the plan can be applied even if it changes nothing.")
    allow_config_generation = Attribute(description="Whether terraform writes configuration for imported resources.")
    debugging_mode = Attribute(description="Whether terraform logs in detail.")
    target_addrs = Computed(
        show_list("target_addrs"), schema=TEXTS, description="The only resources to plan, with what they depend on."
    )
    replace_addrs = Computed(
        show_list("replace_addrs"), schema=TEXTS, description="Resources to replace even if they did not change."
    )
    invoke_action_addrs = Constant([])
    policy_paths = Constant([])
    terraform_version = Computed(
        lambda row, _held: row.terraform_version,
        schema={"type": ["string", "null"]},
        description="The version of Terraform that a plan-only run asks for, or that planned.",
    )
    variables = Computed(
        show_variables,
        schema=VARIABLE_LIST,
        shown_to=P.VARIABLE_READ,
        reads=("sealed_variables",),
        description="Input variables of this run alone, with values in HCL.",
    )
    triggering_source_name = Computed(
        lambda row, _held: row.triggering_source_name,
        schema={"type": ["string", "null"]},
        description="The workspace whose apply started it; null if none did, or if the caller can't see it.",
    )

    workspace = ToOne("workspaces", column="workspace_id", related="/api/v2/workspaces/{workspace_id}")
    configuration_version = ToOne(
        "configuration-versions",
        column="configuration_version_id",
        related="/api/v2/configuration-versions/{configuration_version_id}",
    )
    plan = ToOne("plans", column="plan_id", related="/api/v2/runs/{id}/plan")
    apply = ToOne("applies", column="apply_id", related="/api/v2/runs/{id}/apply")
    created_by = ToOne("users", column="created_by_id", related="/api/v2/users/{created_by_id}")
    confirmed_by = ToOne("users", column="confirmed_by_id", related="/api/v2/users/{confirmed_by_id}")
    canceled_by = ToOne("users", column="canceled_by_id", related="/api/v2/users/{canceled_by_id}")
    run_events = ToMany("run-events", column="run_event_ids", related="/api/v2/runs/{id}/run-events")
    comments = ToMany("comments", column="comment_ids", related="/api/v2/runs/{id}/comments")
    task_stages = ToMany("task-stages", column="task_stage_ids", related="/api/v2/runs/{id}/task-stages")
    triggering_run = ToOne("runs", column="triggering_run_id", related="/api/v2/runs/{triggering_run_id}")
    triggering_source = ToOne(
        "workspaces", column="triggering_source_id", related="/api/v2/workspaces/{triggering_source_id}"
    )
    # Not built; clients look whether anything is in them.
    cost_estimate = ToOne("cost-estimates")
    policy_checks = ToMany("policy-checks", column="no_ids")
