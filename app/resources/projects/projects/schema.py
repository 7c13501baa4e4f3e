"""The attributes and relationships of a project (spec: projects, resource)."""

from collections.abc import Iterable
from typing import Any

import orjson
from marshmallow import ValidationError

from app.authz.permissions import P
from app.jsonapi import Json
from app.jsonapi.errors import Unprocessable
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
from app.models.organizations import EXECUTION_MODES
from app.models.projects import SLUG_LENGTH
from app.persistence import AnyRow
from app.resources.projects.tag_bindings.schema import read_relationship

NAME_LENGTH = (3, 40)
DESCRIPTION_LENGTH = 256
NAME_PATTERN = r"[A-Za-z0-9_-]([A-Za-z0-9_ -]*[A-Za-z0-9_-])?"
DURATION_PATTERN = "[1-9][0-9]{0,3}[dh]"
DURATION_MESSAGE = "has an incorrect format, we expect up to 4 numeric digits and 1 unit ('d' or 'h')"
MODE_MESSAGE = "must be 'default', 'remote', 'local', or 'agent'"
SLUG_PATTERN = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
DISPLAY_NAME_LENGTH = 128
COLOR_PATTERN = "#[0-9A-Fa-f]{6}"
UUID_LENGTH = 36
UUID_PATTERN = "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
# Limits on the serialized object and on its nesting.
METADATA_BYTES = 16 * 1024
METADATA_DEPTH = 16
METADATA: dict[str, Any] = {"type": ["object", "null"]}

OVERWRITES = ("default-execution-mode", "default-agent-pool")
STACKS_OVERWRITES = ("stacks-default-execution-mode", "stacks-default-agent-pool")

FLAGS: dict[str, P | bool] = {
    "can-read": P.PROJECT_READ,
    "can-update": P.PROJECT_UPDATE,
    "can-destroy": P.PROJECT_DELETE,
    "can-create-workspace": P.PROJECT_CREATE_WORKSPACE,
    "can-move-workspace": P.PROJECT_MOVE_WORKSPACE,
    "can-move-stack": False,
    "can-manage-stacks": False,
    "can-view-stacks": False,
    "can-update-stacks": False,
    "can-deploy-no-code-modules": False,
    "can-read-teams": P.PROJECT_READ_TEAMS,
    "can-manage-tags": P.PROJECT_ADD_TAGS,
    "can-manage-teams": P.PROJECT_MANAGE_TEAMS,
    "can-manage-in-hcp": False,
    "can-manage-varsets": P.PROJECT_MANAGE_VARSETS,
    "can-manage-ephemeral-workspace-for-projects": P.PROJECT_UPDATE,
    # Groundplan's own.
    "can-force-destroy": P.PROJECT_FORCE_DELETE,
    "can-wipe": P.PROJECT_WIPE,
    "can-read-members": P.PROJECT_READ_MEMBERS,
    "can-manage-members": P.PROJECT_MANAGE_MEMBERS,
    "can-manage-owners": P.PROJECT_MANAGE_OWNERS,
    "can-manage-environments": P.ENVIRONMENT_MANAGE,
    "can-manage-tokens": P.TOKEN_MANAGE,
}


class Duration(Text):
    """A number of hours or days. Every fault has the same message, because clients know this one sentence."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - Text's own options
        """Accept null, which means no duration."""
        super().__init__(
            maximum=5,
            pattern=DURATION_PATTERN,
            pattern_message=DURATION_MESSAGE,
            nullable=True,
            **options,
        )

    def _faults(self, value: str) -> Iterable[str]:
        if self.pattern_message in super()._faults(value):
            yield self.pattern_message


def read_overwrites(value: Json) -> bool | None:
    """Whether the project has an execution mode of its own; None when the object does not say.

    Both spellings of the keys are accepted, with and without ``default-`` (spec: projects, attributes).
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ValidationError("must be an object")
    known = (*OVERWRITES, *(name.removeprefix("default-") for name in OVERWRITES))
    given = [value[name] for name in known if value.get(name) is not None]
    if any(not isinstance(flag, bool) for flag in given):
        raise ValidationError("must be an object of booleans")
    if len(set(given)) > 1:
        raise Unprocessable(
            "If agent-pool and execution-mode are both included in setting-overwrites, their values must be the same.",
            pointer="/data/attributes/setting-overwrites",
        )
    return given[0] if given else None


def show_overwrites(row: AnyRow, _held: object) -> dict[str, bool]:
    """Which settings are the project's own; there are no stacks here."""
    own = row.own_execution_mode is not None
    return dict.fromkeys(OVERWRITES, own) | dict.fromkeys(STACKS_OVERWRITES, False)


def read_metadata(value: Json) -> dict[str, Any]:
    """Any object that is neither too long nor too deep; an empty object stays empty."""
    if not isinstance(value, dict):
        raise ValidationError("must be an object")
    if len(orjson.dumps(value)) > METADATA_BYTES:
        raise ValidationError(f"is too long (maximum is {METADATA_BYTES} bytes)")
    if _depth(value) > METADATA_DEPTH:
        raise ValidationError(f"is nested too deep (maximum is {METADATA_DEPTH} levels)")
    return value


def _depth(value: Json) -> int:
    if isinstance(value, dict | list):
        return 1 + max(map(_depth, value.values() if isinstance(value, dict) else value), default=0)
    return 0


class ProjectSchema(Schema):
    """A project."""

    class Meta:
        """Its type and address."""

        type_ = "projects"
        self_link = "/api/v2/projects/{id}"

    id = Attribute()
    name = Text(
        required=True,
        minimum=NAME_LENGTH[0],
        maximum=NAME_LENGTH[1],
        pattern=NAME_PATTERN,
        pattern_message="may only contain letters, numbers, spaces, hyphens, and underscores, "
        "and may not begin or end with a space",
        description="The name, unique in the organization.",
        example="network",
    )
    description = Text(
        maximum=DESCRIPTION_LENGTH, nullable=True, description="A note for people.", example="Networks and firewalls"
    )
    created_at = DateTime(dump_only=True)
    updated_at = DateTime(dump_only=True)
    auto_destroy_activity_duration = Duration(
        description="After how long without a change workspaces are destroyed, such as `14d`; null means "
        "never. Workspaces inherit it.",
    )
    default_execution_mode = Choice(
        (*EXECUTION_MODES, "default"),
        message=MODE_MESSAGE,
        description="The execution mode of workspaces without one of their own. The organization's, "
        "unless the project has its own.",
    )
    default_agent_pool_id = Text(
        maximum=64,
        nullable=True,
        load_only=True,
        description="The pool of agents for the mode `agent`; the older form of the relationship `default-agent-pool`.",
    )
    setting_overwrites = Setting(
        read_overwrites,
        allow_none=True,
        load_only=True,
        data_key="setting-overwrites",
        schema={"type": ["object", "null"], "additionalProperties": {"type": ["boolean", "null"]}},
        description="Which of the settings above are the project's own, rather than the organization's.",
    )
    shown_overwrites = Computed(
        show_overwrites,
        data_key="setting-overwrites",
        schema={"type": "object", "additionalProperties": {"type": "boolean"}},
    )
    # There are no stacks and no HCP organizations here, but clients expect the attributes.
    stacks_default_execution_mode = Constant("remote")
    icon_url = Attribute(allow_none=True, description="The address of the project's picture; null without one.")
    slug = Text(
        minimum=1,
        maximum=SLUG_LENGTH,
        pattern=SLUG_PATTERN,
        description="The name in addresses, unique in the organization; made from the name if not sent.",
        example="network",
    )
    display_name = Text(
        minimum=1, maximum=DISPLAY_NAME_LENGTH, nullable=True, description="The name for people.", example="Network"
    )
    color = Text(
        maximum=7,
        pattern=COLOR_PATTERN,
        pattern_message="must be a color such as #3B82F6",
        nullable=True,
        description="A color for people's screens.",
        example="#3B82F6",
    )
    single_server_mode = Boolean(description="Kept for the tools that set it.", has_effect=False)
    default_server_id = Text(
        maximum=UUID_LENGTH,
        pattern=UUID_PATTERN,
        pattern_message="must be a UUID",
        nullable=True,
        description="Kept for the tools that set it: a UUID.",
        has_effect=False,
    )
    auto_error_tracking_enabled = Boolean(description="Kept for the tools that set it.", has_effect=False)
    public_read = Boolean(
        description="Whether everybody may read the project and some attributes of its workspaces, even without a "
        "token. Those who set it must have `project:manage-members`."
    )
    custom_metadata = Setting(
        read_metadata,
        allow_none=True,
        load_only=True,
        data_key="metadata",
        schema=METADATA,
        keeps_names=True,
        description="An object of your own, of 16 KB at most.",
        example={"cost-center": "42"},
    )
    shown_metadata = Computed(lambda row, _held: row.custom_metadata, data_key="metadata", schema=METADATA)
    workspace_count = Attribute(description="How many workspaces the project has.")
    # The number of teams with access would reveal secret teams.
    team_count = Attribute(shown_to=P.PROJECT_READ_TEAMS, description="How many teams have access.")
    is_unified = Constant(value=False)
    hcp_id = Constant(None)
    permissions = permission_flags(FLAGS)

    organization = ToOne(
        "organizations",
        column="organization_name",
        related="/api/v2/organizations/{organization_name}",
    )
    default_agent_pool = ToOne("agent-pools", column="default_agent_pool", writable=True)
    stacks_default_agent_pool = ToOne("agent-pools")
    cloud_provider = ToOne(
        "cloud-providers",
        column="cloud_provider_id",
        related="/api/v2/cloud-providers/{cloud_provider_id}",
        writable=True,
    )
    tag_bindings = ToMany("tag-bindings", related="/api/v2/projects/{id}/tag-bindings", read=read_relationship)
    effective_tag_bindings = Links("/api/v2/projects/{id}/effective-tag-bindings")
