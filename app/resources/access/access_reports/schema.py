"""The attributes and relationships of a path by which somebody reaches something."""

from app.authz.permissions import P
from app.jsonapi.fields import Attribute, Computed, DateTime, ToOne
from app.jsonapi.schema import Schema

PATHS = (
    "owners",
    "organization-access",
    "team-projects",
    "team-workspaces",
    "project-members",
    "workspace-acl-entries",
    "organization-token",
    "narrowed-token",
    "project-token",
)
SUBJECTS = ("users", "teams", "authentication-tokens")
_TEXT_OR_NULL = {"type": ["string", "null"]}


class AccessPathSchema(Schema):
    """A path by which a user, a team or a token reaches something. A path that the caller may not see has no source."""

    class Meta:
        """Its type."""

        type_ = "access-paths"

    id = Attribute()
    name = Computed(
        lambda row, _held: row.name,
        schema=_TEXT_OR_NULL,
        description="The user name, the name of the team, or the description of the token.",
    )
    path = Computed(lambda row, _held: row.path, schema={"enum": list(PATHS)}, description="What gives the access.")
    role = Computed(
        lambda row, _held: row.role,
        schema=_TEXT_OR_NULL,
        description="The role, level or flags that the path gives.",
    )
    team_name = Computed(
        lambda row, _held: row.team_name, schema=_TEXT_OR_NULL, description="The team that a user has it through."
    )
    resource_name = Computed(
        lambda row, _held: row.resource_name,
        schema=_TEXT_OR_NULL,
        description="Where it counts: the name of an organization, a project or a workspace.",
    )
    environment_name = Computed(
        lambda row, _held: row.environment_name,
        schema=_TEXT_OR_NULL,
        description="The environment that a role is limited to.",
    )
    cell_scopes = Computed(
        lambda row, _held: row.cells,
        schema={"type": ["array", "null"], "items": {"type": "string"}},
        description="The cells that a role is limited to.",
    )
    permissions = Computed(
        lambda row, _held: row.permissions,
        schema={"type": "array", "items": {"enum": list(P)}},
        description="What this path alone gives on the project or workspace of the report, or where it counts.",
    )
    expires_at = DateTime(dump_only=True, description="When the access ends by itself; null for never.")
    last_used_at = DateTime(
        dump_only=True, description="When one of their tokens was last used, to the nearest minutes; null for never."
    )

    subject = ToOne(*SUBJECTS, column="subject_id", type_column="subject_type")
    source = ToOne(
        "teams",
        "team-projects",
        "team-workspaces",
        "project-members",
        "workspace-acl-entries",
        "authentication-tokens",
        column="source_id",
        type_column="source_type",
    )
    team = ToOne("teams", column="team_id")
    environment = ToOne("environments", column="environment_id")
    resource = ToOne("organizations", "projects", "workspaces", column="resource_id", type_column="resource_type")
