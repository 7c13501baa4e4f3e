"""The attributes and relationships of a team's access to a workspace (spec: team access to a workspace)."""

from app.jsonapi.fields import Attribute, Choice, Computed, DateTime, Setting, ToOne
from app.jsonapi.schema import Schema
from app.models.team_workspaces import ACCESS_LEVELS
from app.persistence import AnyRow
from app.resources.access.levels import Value, details_in_force
from app.resources.access.team_workspaces.details import DETAILS


def sent(name: str, *, description: str, has_effect: bool = True) -> Setting:
    """The attribute that accepts the detail; null means not sent."""
    detail = DETAILS[name]
    schema = {"enum": [*detail.values, None]}
    return Setting(
        detail.read,
        allow_none=True,
        load_only=True,
        data_key=name,
        schema=schema,
        description=description,
        has_effect=has_effect,
    )


def shown(name: str) -> Computed:
    """The attribute that shows the value in force."""

    def make(row: AnyRow, _held: object) -> Value:
        return details_in_force(DETAILS, row.access, row.details)[name]

    return Computed(make, data_key=name, schema={"enum": list(DETAILS[name].values)})


class TeamWorkspaceSchema(Schema):
    """A team's access to a workspace, always with every detail."""

    class Meta:
        """Its type, with the spelling of HashiCorp's Python client, and its address."""

        type_ = "team-workspaces"
        accepted_types = ("team-workspaces", "team-workspace-access")
        self_link = "/api/v2/team-workspaces/{id}"

    id = Attribute()
    access = Choice(
        ACCESS_LEVELS,
        required=True,
        description="The level of the team: `read`, `plan`, `write`, `admin`, or `custom` for a level "
        "made of the attributes below.",
        example="write",
    )
    runs = sent("runs", description="With `custom`: `read`, `plan` or `apply`.")
    variables = sent("variables", description="With `custom`: `none`, `read` or `write`.")
    state_versions = sent("state-versions", description="With `custom`: `none`, `read-outputs`, `read` or `write`.")
    sentinel_mocks = sent("sentinel-mocks", description="With `custom`: `none` or `read`.", has_effect=False)
    workspace_locking = sent("workspace-locking", description="With `custom`: whether the team may lock and unlock.")
    run_tasks = sent("run-tasks", description="With `custom`: whether the team may manage run tasks.")
    policy_overrides = sent("policy-overrides", description="With `custom`: whether the team may override policies.")
    shown_runs = shown("runs")
    shown_variables = shown("variables")
    shown_state_versions = shown("state-versions")
    shown_sentinel_mocks = shown("sentinel-mocks")
    shown_workspace_locking = shown("workspace-locking")
    shown_run_tasks = shown("run-tasks")
    shown_policy_overrides = shown("policy-overrides")

    expires_at = DateTime(
        allow_none=True,
        description="When the access ends by itself; null for never.",
        example="2099-12-31T00:00:00Z",
    )

    team = ToOne("teams", column="team_id", related="/api/v2/teams/{team_id}", writable=True, required=True)
    workspace = ToOne(
        "workspaces",
        column="workspace_id",
        related="/api/v2/organizations/{organization_name}/workspaces/{workspace_name}",
        writable=True,
        required=True,
    )
