"""The attributes and relationships of a team's access to a workspace (spec: team access to a workspace)."""

from app.jsonapi.fields import Attribute, Choice, Computed, Setting, ToOne
from app.jsonapi.schema import Schema
from app.models.team_workspaces import ACCESS_LEVELS
from app.persistence import AnyRow
from app.resources.access.levels import Value, details_in_force
from app.resources.access.team_workspaces.details import DETAILS


def sent(name: str) -> Setting:
    """The attribute that accepts the detail; null means not sent."""
    detail = DETAILS[name]
    schema = {"enum": [*detail.values, None]}
    return Setting(detail.read, allow_none=True, load_only=True, data_key=name, schema=schema)


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
    access = Choice(ACCESS_LEVELS, required=True)
    runs = sent("runs")
    variables = sent("variables")
    state_versions = sent("state-versions")
    sentinel_mocks = sent("sentinel-mocks")
    workspace_locking = sent("workspace-locking")
    run_tasks = sent("run-tasks")
    policy_overrides = sent("policy-overrides")
    shown_runs = shown("runs")
    shown_variables = shown("variables")
    shown_state_versions = shown("state-versions")
    shown_sentinel_mocks = shown("sentinel-mocks")
    shown_workspace_locking = shown("workspace-locking")
    shown_run_tasks = shown("run-tasks")
    shown_policy_overrides = shown("policy-overrides")

    team = ToOne("teams", column="team_id", related="/api/v2/teams/{team_id}", writable=True, required=True)
    workspace = ToOne(
        "workspaces",
        column="workspace_id",
        related="/api/v2/organizations/{organization_name}/workspaces/{workspace_name}",
        writable=True,
        required=True,
    )
