"""The attributes and relationships of a run task (spec: run tasks)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from marshmallow import ValidationError

from app.jsonapi.fields import Attribute, Boolean, Choice, Computed, Constant, DateTime, Setting, Text, ToMany, ToOne
from app.jsonapi.schema import Schema
from app.models.run_tasks import ADVISORY, ENFORCEMENT_LEVELS
from app.models.task_stages import STAGES
from app.outbound import AddressInvalid, parse
from app.persistence import AnyRow

NAME_LENGTH: Final = 255
DESCRIPTION_LENGTH: Final = 1_000
URL_LENGTH: Final = 2_048
KEY_LENGTH: Final = 1_024
GLOBAL: Final[dict[str, Any]] = {
    "type": ["object", "null"],
    "properties": {
        "enabled": {"type": "boolean"},
        "stages": {"type": "array", "items": {"type": "string", "enum": list(STAGES)}},
        "enforcement-level": {"type": "string", "enum": list(ENFORCEMENT_LEVELS)},
    },
}


class TaskUrl(Text):
    """An address that requests go to. What its host stands for is checked when a request goes there."""

    def _faults(self, value: str) -> Iterable[str]:
        yield from super()._faults(value)
        try:
            parse(value)
        except AddressInvalid as error:
            yield str(error)


def read_stages(value: Any) -> list[str]:  # noqa: ANN401 - any JSON
    """The names of stages, in the order in which a run comes to them."""
    if not isinstance(value, list) or not value or any(each not in STAGES for each in value):
        raise ValidationError(f"must be an array of some of {', '.join(STAGES)}")
    return [name for name in STAGES if name in value]


def read_global(value: Any) -> dict[str, Any] | None:  # noqa: ANN401 - any JSON
    """The columns for the parts that were sent; None for null, which changes nothing."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ValidationError("must be an object")
    found: dict[str, Any] = {}
    if "enabled" in value:
        if not isinstance(value["enabled"], bool):
            raise ValidationError("must have true or false as enabled")
        found["global_enabled"] = value["enabled"]
    if value.get("stages"):
        found["global_stages"] = read_stages(value["stages"])
    level = value.get("enforcement-level")
    if level is not None:
        if level not in ENFORCEMENT_LEVELS:
            raise ValidationError(f"must have {' or '.join(ENFORCEMENT_LEVELS)} as enforcement-level")
        found["global_enforcement_level"] = level
    return found


def show_global(row: AnyRow, _held: object) -> dict[str, Any]:
    """Whether all workspaces ask the task, and when."""
    return {
        "enabled": row.global_enabled,
        "stages": row.global_stages,
        "enforcement-level": row.global_enforcement_level or ADVISORY,
    }


class TaskSchema(Schema):
    """A service outside that can be asked about runs."""

    class Meta:
        """Its type and address."""

        type_ = "tasks"
        self_link = "/api/v2/tasks/{id}"

    id = Attribute()
    name = Text(
        required=True,
        minimum=1,
        maximum=NAME_LENGTH,
        pattern=r"[A-Za-z0-9 _-]+",
        pattern_message="can have only letters, digits, blanks, - and _",
        description="The name, unique in the organization.",
        example="costs",
    )
    url = TaskUrl(
        required=True,
        minimum=1,
        maximum=URL_LENGTH,
        description="Where requests go. It must take a request when the task is made, or gets another address or key.",
        example="https://task.example.com/runs",
    )
    category = Choice(("task",), load_only=True, description="Always `task`.", example="task")
    shown_category = Constant("task", data_key="category")
    description = Text(nullable=True, maximum=DESCRIPTION_LENGTH, description="A note for people.")
    hmac_key = Text(
        nullable=True,
        maximum=KEY_LENGTH,
        load_only=True,
        description="The key with which requests are signed. It is never shown.",
        example="a secret of the task",
    )
    shown_hmac_key = Constant(None, data_key="hmac-key")
    # An example can't reach anybody.
    enabled = Boolean(description="Whether runs ask it. One that is disabled is not verified.", example=False)
    global_configuration = Setting(
        read_global,
        schema=GLOBAL,
        allow_none=True,
        load_only=True,
        description="Whether all workspaces of the organization ask it, when, and whether its no stops a run.",
        example={"enabled": True, "stages": ["post_plan"], "enforcement-level": "advisory"},
    )
    shown_global_configuration = Computed(show_global, data_key="global-configuration", schema=GLOBAL)
    created_at = DateTime(dump_only=True)
    updated_at = DateTime(dump_only=True)

    organization = ToOne(
        "organizations", column="organization_name", related="/api/v2/organizations/{organization_name}"
    )
    workspace_tasks = ToMany("workspace-tasks", column="workspace_task_ids")
    agent_pool = ToOne("agent-pools", "agent_pools", writable=True)
