"""The members of a workspace, as far as projects need them (spec: workspaces)."""

from typing import Any

from marshmallow import ValidationError

from app.authz.permissions import P
from app.jsonapi.fields import Attribute, Choice, Computed, Constant, Flag, Moment, Setting, Text, ToOne
from app.jsonapi.schema import Schema
from app.resources.organizations.model import EXECUTION_MODES
from app.resources.projects.schema import Duration
from app.web.permission_flags import permission_flags

NAME_LENGTH = 90
NAME_PATTERN = "[A-Za-z0-9_-]+"
DESCRIPTION_LENGTH = 2_000
DIRECTORY_LENGTH = 1_000
VERSION_LENGTH = 64
# An exact release, or a constraint such as "~> 1.5.0" or ">= 1.1, < 2".
VERSION_PATTERN = r"latest|[<>=!~0-9][-0-9A-Za-z.,<>=!~+ ]*"
OVERWRITES = ("execution-mode", "agent-pool")

FLAGS: dict[str, P | bool] = {
    "can-update": P.WORKSPACE_UPDATE,
    "can-destroy": P.WORKSPACE_DELETE,
    "can-force-delete": P.WORKSPACE_FORCE_DELETE,
    "can-queue-run": P.RUN_PLAN,
    "can-queue-apply": P.RUN_APPLY,
    "can-queue-destroy": P.RUN_APPLY,
    "can-read-run": P.RUN_READ,
    "can-read-variable": P.VARIABLE_READ,
    "can-update-variable": P.VARIABLE_WRITE,
    "can-read-state-versions": P.STATE_READ,
    "can-read-state-outputs": P.STATE_READ_OUTPUTS,
    "can-create-state-versions": P.STATE_WRITE,
    "can-lock": P.WORKSPACE_LOCK,
    "can-unlock": P.WORKSPACE_LOCK,
    "can-force-unlock": P.WORKSPACE_FORCE_UNLOCK,
    "can-read-settings": P.WORKSPACE_READ,
    "can-manage-tags": P.WORKSPACE_MANAGE_TAGS,
    "can-manage-run-tasks": P.WORKSPACE_MANAGE_RUN_TASKS,
    "can-manage-assessments": P.WORKSPACE_UPDATE,
    "can-manage-ephemeral-workspaces": P.WORKSPACE_UPDATE,
    "can-read-assessment-results": P.RUN_READ,
    "can-manage-hyok": False,
}


def read_overwrites(value: Any) -> bool | None:  # noqa: ANN401 - whatever a client sent
    """Whether the workspace has an execution mode of its own; None when the object does not say."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ValidationError("must be an object")
    given = [value[name] for name in OVERWRITES if value.get(name) is not None]
    if any(not isinstance(flag, bool) for flag in given):
        raise ValidationError("must be an object of booleans")
    return any(given) if given else None


def show_overwrites(row: Any, _held: Any) -> dict[str, bool]:  # noqa: ANN401 - a row of the listing
    """Which settings are the workspace's own."""
    return dict.fromkeys(OVERWRITES, row.own_execution_mode is not None)


def show_operations(row: Any, _held: Any) -> bool:  # noqa: ANN401 - a row of the listing
    """The older spelling of the execution mode: whether runs happen anywhere but on the user's machine."""
    return bool(row.execution_mode != "local")


class WorkspaceSchema(Schema):
    """A workspace. It is addressed by id, but links to itself by name."""

    class Meta:
        """Its type and address."""

        type_ = "workspaces"
        self_link = "/api/v2/organizations/{organization_name}/workspaces/{name}"

    id = Attribute()
    name = Text(required=True, minimum=1, maximum=NAME_LENGTH, pattern=NAME_PATTERN)
    description = Text(maximum=DESCRIPTION_LENGTH, nullable=True)
    created_at = Moment(dump_only=True)
    updated_at = Moment(dump_only=True)
    latest_change_at = Moment(dump_only=True, attribute="created_at")
    auto_apply = Flag()
    allow_destroy_plan = Flag()
    auto_destroy_activity_duration = Duration()
    inherits_project_auto_destroy = Flag()
    execution_mode = Choice((*EXECUTION_MODES,))
    operations = Flag(load_only=True)
    shown_operations = Computed(show_operations, data_key="operations", schema={"type": "boolean"})
    agent_pool_id = Text(maximum=64, nullable=True, load_only=True)
    setting_overwrites = Setting(
        read_overwrites,
        allow_none=True,
        load_only=True,
        schema={"type": ["object", "null"], "additionalProperties": {"type": ["boolean", "null"]}},
    )
    shown_overwrites = Computed(
        show_overwrites,
        data_key="setting-overwrites",
        schema={"type": "object", "additionalProperties": {"type": "boolean"}},
    )
    file_triggers_enabled = Flag()
    global_remote_state = Flag()
    locked = Attribute()
    queue_all_runs = Flag()
    resource_count = Attribute()
    source = Attribute()
    speculative_enabled = Flag()
    structured_run_output_enabled = Flag()
    terraform_version = Text(minimum=1, maximum=VERSION_LENGTH, pattern=VERSION_PATTERN)
    working_directory = Text(maximum=DIRECTORY_LENGTH, nullable=True)
    # What the service does not have yet reads as empty.
    environment = Constant("default")
    vcs_repo = Constant(None)
    tag_names = Constant([], schema={"type": "array", "items": {"type": "string"}})
    trigger_prefixes = Constant([], schema={"type": "array", "items": {"type": "string"}})
    trigger_patterns = Constant([], schema={"type": "array", "items": {"type": "string"}})
    actions = Constant({"is-destroyable": True})
    permissions = permission_flags(FLAGS)

    organization = ToOne("organizations", column="organization_name")
    project = ToOne("projects", column="project_id", writable=True)
    agent_pool = ToOne("agent-pools", writable=True)
    locked_by = ToOne("users")
    current_run = ToOne("runs")
    current_state_version = ToOne("state-versions")
