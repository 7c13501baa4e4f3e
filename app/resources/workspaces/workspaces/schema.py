"""The attributes and relationships of a workspace (spec: workspaces)."""

from collections.abc import Callable
from typing import Any

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
    Links,
    Setting,
    Text,
    ToMany,
    ToOne,
)
from app.jsonapi.permission_flags import permission_flags
from app.jsonapi.schema import Schema
from app.jsonapi.switch import Switch
from app.models.organizations import EXECUTION_MODES
from app.models.workspaces import IAC_TOOLS, NAME_LENGTH
from app.persistence import SEPARATOR, AnyRow
from app.resources.inheritance.versions import VERSION_PATTERN
from app.resources.projects.projects.schema import Duration
from app.resources.projects.tag_bindings.schema import read_relationship
from app.resources.workspaces.tags.schema import read_names, read_new_tags
from app.resources.workspaces.workspaces.auto_destroy import show_auto_destroy_at

NAME_PATTERN = "[A-Za-z0-9_-]+"
SOURCE_NAME_LENGTH = 90
DESCRIPTION_LENGTH = 2_000
DIRECTORY_LENGTH = 1_000
VERSION_LENGTH = 64
CELL_LENGTH = 63
CELL_PATTERN = "[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"
TITLE_LENGTH = 256
OVERWRITES = ("execution-mode", "agent-pool")
TRIGGERS = 100
TRIGGER_LENGTH = 1_000
URL_LENGTH = 2_000
URL_PATTERN = r"https?://[^\s/]\S*"
HTTPS_PATTERN = r"https://[^\s/]\S*"
TEXTS = {"type": "array", "items": {"type": "string"}}
NO_NUMBER = {"type": ["integer", "null"]}
NO_TEXT = {"type": ["string", "null"]}

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
    # Not HCP Terraform's.
    "can-move": P.WORKSPACE_MOVE,
    "can-manage-acl": P.WORKSPACE_MANAGE_ACL,
}


def read_overwrites(value: Json) -> bool | None:
    """Whether the workspace has an execution mode of its own; None when the object does not say."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ValidationError("must be an object")
    given = [value[name] for name in OVERWRITES if value.get(name) is not None]
    if any(not isinstance(flag, bool) for flag in given):
        raise ValidationError("must be an object of booleans")
    return any(given) if given else None


def show_overwrites(row: AnyRow, _held: object) -> dict[str, bool]:
    """Which settings are the workspace's own."""
    return dict.fromkeys(OVERWRITES, row.own_execution_mode is not None)


def show_operations(row: AnyRow, _held: object) -> bool:
    """The older form of the execution mode: false if runs happen on the user's machine."""
    return bool(row.execution_mode != "local")


def read_triggers(value: Json) -> list[str] | None:
    """Paths or patterns of files that would start a run; null, or a list that may be empty."""
    if value is None:
        return None
    if not isinstance(value, list) or any(not isinstance(item, str) for item in value):
        raise ValidationError("must be an array of strings")
    if len(value) > TRIGGERS or any(len(item) > TRIGGER_LENGTH for item in value):
        raise ValidationError(f"must have at most {TRIGGERS} strings of at most {TRIGGER_LENGTH} characters")
    return value


def show_texts(column: str) -> Callable[[Any, Any], list[str]]:
    """The list in the column; empty if the column is null."""
    return lambda row, _held: getattr(row, column) or []


def read_vcs_repo(value: Json) -> None:
    """Accept null and the empty object, which some clients always send; both mean no repository."""
    if value not in (None, {}) or isinstance(value, bool):
        raise ValidationError("can't be set: this service has no connections to version control")


def show_tag_names(row: AnyRow, _held: object) -> list[str]:
    """The names of the tags without a value, in the order in which they were added.

    Keys with a value are not among them: the tfe provider refuses those that can't be names of plain tags.
    """
    return row.tag_names.split(SEPARATOR) if row.tag_names else []


class WorkspaceSchema(Schema):
    """A workspace. It is addressed by id, but links to itself by name."""

    class Meta:
        """Its type and address."""

        type_ = "workspaces"
        self_link = "/api/v2/organizations/{organization_name}/workspaces/{name}"
        page_link = "/app/{organization_name}/workspaces/{name}"

    id = Attribute()
    name = Text(
        required=True,
        minimum=1,
        maximum=NAME_LENGTH,
        pattern=NAME_PATTERN,
        description="The name, unique in the organization.",
        example="network-prod",
    )
    description = Text(
        maximum=DESCRIPTION_LENGTH, nullable=True, description="A note for people.", example="Networks in production"
    )
    created_at = DateTime(dump_only=True)
    updated_at = DateTime(dump_only=True)
    latest_change_at = DateTime(
        dump_only=True, description="When a state last became current; the creation if none did."
    )
    auto_apply = Boolean(description="Whether a run applies its plan without being asked.")
    auto_apply_run_trigger = Boolean(description="The same, for runs that a run trigger started.")
    assessments_enabled = Boolean(description="Whether drift is looked for once a day.")
    allow_destroy_plan = Boolean(description="Whether a run may destroy everything.")
    auto_destroy_activity_duration = Duration(
        description="After how long without a change the workspace is destroyed, such as `14d`; the "
        "project's, unless it has its own.",
    )
    inherits_project_auto_destroy = Boolean(description="Whether the duration is the project's.")
    auto_destroy_at = DateTime(allow_none=True, load_only=True, description="When the workspace is destroyed.")
    shown_auto_destroy_at = Computed(
        show_auto_destroy_at,
        data_key="auto-destroy-at",
        schema={"type": ["string", "null"], "format": "date-time"},
    )
    execution_mode = Choice(
        (*EXECUTION_MODES,),
        description="Where terraform runs: `remote` on an agent of the service, `agent` on one of an agent pool, "
        "`local` on the machine of the person or pipeline, with the state kept here. The project's, unless the "
        "workspace has its own.",
        example="local",
    )
    operations = Boolean(load_only=True, description="The older form of `execution-mode`: false means `local`.")
    shown_operations = Computed(show_operations, data_key="operations", schema={"type": "boolean"})
    agent_pool_id = Text(
        maximum=64,
        nullable=True,
        load_only=True,
        description="The pool of agents for the mode `agent`; the older form of the relationship `agent-pool`.",
    )
    setting_overwrites = Setting(
        read_overwrites,
        allow_none=True,
        load_only=True,
        schema={"type": ["object", "null"], "additionalProperties": {"type": ["boolean", "null"]}},
        description="Which of the settings above are the workspace's own, rather than the project's.",
    )
    shown_overwrites = Computed(
        show_overwrites,
        data_key="setting-overwrites",
        schema={"type": "object", "additionalProperties": {"type": "boolean"}},
    )
    file_triggers_enabled = Boolean(description="Whether only changes of some files start a run.", has_effect=False)
    global_remote_state = Boolean(description="Whether all workspaces of the organization may read this one's state.")
    project_remote_state = Boolean(description="Whether all workspaces of the project may read this one's state.")
    locked = Attribute(description="Whether somebody has locked the workspace. `locked-by` says who.")
    locked_reason = Attribute(description="What the holder of the lock gave as the reason.")
    queue_all_runs = Boolean(description="Whether run triggers start runs before somebody has started the first one.")
    resource_count = Attribute(description="How many resources the current state has; 0 if it is encrypted: unknown.")
    source = Attribute(description="What made the workspace: `tfe-api`, `terraform` and so on.")
    # Accepted only when a workspace is created.
    source_name = Text(
        maximum=SOURCE_NAME_LENGTH,
        nullable=True,
        description="A name for what made the workspace. It can only be sent on creation.",
        example="catalog",
    )
    source_url = Text(
        maximum=URL_LENGTH,
        pattern=URL_PATTERN,
        nullable=True,
        description="Where people find what made the workspace. It can only be sent on creation.",
        example="https://catalog.example.com",
    )
    speculative_enabled = Boolean(description="Whether pull requests start plans.", has_effect=False)
    structured_run_output_enabled = Boolean(
        description="Whether a run's log has lines of JSON, which clients show in their own form."
    )
    terraform_version = Text(
        minimum=1,
        maximum=VERSION_LENGTH,
        pattern=VERSION_PATTERN,
        pattern_message="must be a version such as 1.11.4, a constraint such as ~> 1.11, or latest",
        description="The version of Terraform or OpenTofu: exact, a constraint, or `latest`. Without it, a new "
        "workspace gets the newest version that its agents have at hand.",
        example="1.11.4",
    )
    working_directory = Text(
        maximum=DIRECTORY_LENGTH,
        nullable=True,
        description="The folder in which terraform runs, below the configuration's root.",
        example="infra",
    )
    trigger_prefixes = Setting(
        read_triggers,
        allow_none=True,
        load_only=True,
        schema=TEXTS,
        description="Folders whose changes start a run.",
        has_effect=False,
    )
    shown_trigger_prefixes = Computed(show_texts("trigger_prefixes"), data_key="trigger-prefixes", schema=TEXTS)
    trigger_patterns = Setting(
        read_triggers,
        allow_none=True,
        load_only=True,
        schema=TEXTS,
        description="Patterns of files whose changes start a run.",
        has_effect=False,
    )
    shown_trigger_patterns = Computed(show_texts("trigger_patterns"), data_key="trigger-patterns", schema=TEXTS)
    tag_names = Computed(
        show_tag_names, schema=TEXTS, description="The names of the workspace's tags that have no value."
    )
    vcs_repo = Setting(
        read_vcs_repo,
        allow_none=True,
        load_only=True,
        schema={"type": ["object", "null"]},
        description="A repository. The service has no connections to version control, so only null can be sent.",
    )
    shown_vcs_repo = Constant(None, data_key="vcs-repo")
    # Features that the service does not have are shown as empty.
    vcs_repo_identifier = Constant(None, schema=NO_TEXT)
    # The name of the environment; the relationship needs another name, because JSON:API shares one namespace. It is
    # understood as environment, too, as members and invitations name it.
    environment = Attribute(
        description="The name of the environment of the project in which the workspace is. The relationship is "
        "`project-environment`."
    )
    cell = Text(
        minimum=1,
        maximum=CELL_LENGTH,
        pattern=CELL_PATTERN,
        nullable=True,
        description="A name that groups workspaces below the environment; roles can be limited to it.",
        example="eu",
    )
    title = Text(
        minimum=1,
        maximum=TITLE_LENGTH,
        nullable=True,
        description="The name for people.",
        example="Network, production",
    )
    avatar_url = Text(
        maximum=URL_LENGTH,
        pattern=HTTPS_PATTERN,
        nullable=True,
        description="The address of a picture, over https.",
        example="https://example.com/network.png",
    )
    iac_tool = Choice(IAC_TOOLS, description="The tool of the workspace.", example="terraform")
    hyok_enabled = Switch("keys that customers hold themselves")
    auto_destroy_status = Attribute(
        description="What has become of the last time to destroy: `queued`, `applied`, `errored`, `canceled`; `held` "
        "if the service waits for its operator's word; null if there was none since the last change."
    )
    last_assessment_result_at = DateTime(dump_only=True, description="When the last assessment ended.")
    apply_duration_average = Constant(None, schema=NO_NUMBER)
    plan_duration_average = Constant(None, schema=NO_NUMBER)
    policy_check_failures = Constant(None, schema=NO_NUMBER)
    run_failures = Constant(None, schema=NO_NUMBER)
    workspace_kpis_runs_count = Constant(None, schema=NO_NUMBER)
    actions = Constant({"is-destroyable": True}, description="Whether the workspace can be destroyed by a run.")
    permissions = permission_flags(FLAGS)

    organization = ToOne("organizations", column="organization_name")
    project = ToOne("projects", column="project_id", writable=True)
    project_environment = ToOne("environments", column="environment_id", writable=True, also_named=("environment",))
    agent_pool = ToOne("agent-pools", column="agent_pool", writable=True)
    locked_by = ToOne("users", "teams", "runs", column="locked_by_id", type_column="locked_by_type")
    current_run = ToOne("runs", column="current_run_id", related="/api/v2/runs/{current_run_id}")
    current_state_version = ToOne(
        "state-versions",
        column="current_state_version_id",
        related="/api/v2/workspaces/{id}/current-state-version",
    )
    ssh_key = ToOne("ssh-keys", column="ssh_key_id", related="/api/v2/ssh-keys/{ssh_key_id}")
    latest_run = ToOne("runs", column="latest_run_id", related="/api/v2/runs/{latest_run_id}")
    current_configuration_version = ToOne("configuration-versions", column="current_configuration_version_id")
    current_assessment_result = ToOne(
        "assessment-results",
        column="current_assessment_result_id",
        related="/api/v2/workspaces/{id}/current-assessment-result",
    )
    readme = ToOne("workspace-readme")
    outputs = ToMany("workspace-outputs", related="/api/v2/workspaces/{id}/current-state-version-outputs")
    vars = ToMany("vars", column="var_ids", related="/api/v2/workspaces/{id}/vars", shown_to=P.VARIABLE_READ)
    remote_state_consumers = Links("/api/v2/workspaces/{id}/relationships/remote-state-consumers")
    tag_bindings = ToMany("tag-bindings", related="/api/v2/workspaces/{id}/tag-bindings", read=read_relationship)
    effective_tag_bindings = Links("/api/v2/workspaces/{id}/effective-tag-bindings")
    tags = ToMany("tags", read=read_new_tags, load_only=True)


class NamedSchema(WorkspaceSchema):
    """A workspace in a request that addresses it by its full name, to update or create it."""

    class Meta:
        """Its type and address."""

        type_ = "workspaces"
        self_link = WorkspaceSchema.Meta.self_link
        page_link = WorkspaceSchema.Meta.page_link

    create_only = Boolean(
        load_only=True, description="Whether the request only creates: a workspace that is there is left as it is."
    )
    reset_invite = Boolean(
        load_only=True,
        description="Whether the links of all pending invitations to the workspace are replaced.",
    )
    sent_tag_names = Setting(read_names, load_only=True, data_key="tag-names", schema=TEXTS)


class PublicWorkspaceSchema(Schema):
    """The attributes that everybody can read of a workspace whose project has ``public-read``."""

    class Meta:
        """Its type and address."""

        type_ = "workspaces"
        variant = "public"
        self_link = "/api/v2/projects/{project_id}/workspaces/{id}"

    id = Attribute()
    name = Attribute(description="The name.")
    description = Attribute(allow_none=True, description="A note for people.")
    title = Attribute(allow_none=True, description="The name for people.")
    iac_tool = Attribute(description="The tool of the workspace.")
    terraform_version = Attribute(description="The version of Terraform.")
    created_at = DateTime(dump_only=True)
    updated_at = DateTime(dump_only=True)
