"""The attributes and relationships of an environment (mission: C8)."""

from app.authz.permissions import P
from app.jsonapi.fields import Attribute, DateTime, Text, ToOne
from app.jsonapi.permission_flags import permission_flags
from app.jsonapi.schema import Schema

NAME_LENGTH = 63
# The name becomes a part of the names of cloned workspaces.
NAME_PATTERN = "[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?"
DISPLAY_NAME_LENGTH = 256
TYPE_LENGTH = 63
DESCRIPTION_LENGTH = 2_000
COLOR_LENGTH = 7
COLOR_PATTERN = "#[0-9A-Fa-f]{6}"
BRANCH_LENGTH = 255
# The characters that git allows in the name of a branch. Its rules about dots and slashes are not checked.
BRANCH_PATTERN = r"[^\s~^:?*\[\\\x00-\x1f\x7f]+"

FLAGS: dict[str, P | bool] = {
    "can-update": P.ENVIRONMENT_MANAGE,
    "can-destroy": P.ENVIRONMENT_MANAGE,
    "can-set-default": P.ENVIRONMENT_MANAGE,
    "can-clone": P.ENVIRONMENT_MANAGE,
    "can-create-workspace": P.PROJECT_CREATE_WORKSPACE,
}


class EnvironmentSchema(Schema):
    """An environment of a project."""

    class Meta:
        """Its type and address."""

        type_ = "environments"
        self_link = "/api/v2/environments/{id}"

    id = Attribute()
    name = Text(
        required=True,
        minimum=1,
        maximum=NAME_LENGTH,
        pattern=NAME_PATTERN,
        pattern_message="may only contain letters, numbers, hyphens, and underscores, "
        "and may only begin and end with a letter or a number",
        description="The name, unique in the project.",
        example="staging",
    )
    display_name = Text(
        minimum=1, maximum=DISPLAY_NAME_LENGTH, nullable=True, description="The name for people.", example="Staging"
    )
    type = Text(
        minimum=1,
        maximum=TYPE_LENGTH,
        nullable=True,
        description="A word of your own for the kind of environment.",
        example="staging",
    )
    description = Text(
        maximum=DESCRIPTION_LENGTH, nullable=True, description="A note for people.", example="Where releases are tried"
    )
    color = Text(
        maximum=COLOR_LENGTH,
        pattern=COLOR_PATTERN,
        pattern_message="must be a color such as #F59E0B",
        nullable=True,
        description="A color for people's screens.",
        example="#3B82F6",
    )
    git_branch = Text(
        minimum=1,
        maximum=BRANCH_LENGTH,
        pattern=BRANCH_PATTERN,
        nullable=True,
        description="The branch that belongs to the environment.",
        has_effect=False,
        example="main",
    )
    is_default = Attribute(description="Whether new workspaces without an environment are in this one.")
    workspace_count = Attribute(description="How many workspaces are in it.")
    created_at = DateTime(dump_only=True)
    updated_at = DateTime(dump_only=True)
    permissions = permission_flags(FLAGS)

    project = ToOne("projects", column="project_id", related="/api/v2/projects/{project_id}")
