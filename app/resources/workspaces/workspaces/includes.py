"""The related resources of a page of workspaces. Each kind costs one or two statements, however many there are."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Row, func, select

from app.authz.permissions import P
from app.models.runs import Run
from app.models.state_versions import StateVersionOutput
from app.persistence import in_values, values_param
from app.resources.accounts.users.listing import some_users
from app.resources.organizations.agent_pools.listing import AGENT_POOLS
from app.resources.organizations.organizations.listing import ORGANIZATIONS
from app.resources.organizations.teams.listing import TEAM_LINKS, TEAMS
from app.resources.projects.projects.listing import PROJECTS
from app.resources.projects.tag_bindings.listing import include_workspace_tags
from app.resources.workspaces.state_versions.listing import LISTED_STATE_VERSIONS, OUTPUTS, check_weight
from app.resources.workspaces.vars.listing import vars_of_workspaces
from app.web.context import reader
from app.web.includes import load_included

# What the included resources ask for, besides what their own lists require.
INCLUDED_PERMISSIONS: Final = (P.RUN_READ, P.PROJECT_READ, P.USER_READ, P.VARIABLE_READ)

Rows = Sequence[Row[Any]]
Shown = list[dict[str, Any]]

_OUTPUTS_OF: Final = (
    select(
        StateVersionOutput.id, StateVersionOutput.workspace_id, func.length(StateVersionOutput.value).label("length")
    )
    .where(in_values(StateVersionOutput.__table__.c.state_version_id, values_param("versions")))
    .order_by(StateVersionOutput.name)
)


def including(included: set[str]) -> Callable[[Rows, Shown], Shown] | None:
    """A function that reads the included resources for a page of workspaces, as far as the caller may see them."""
    if not included:
        return None
    # A path such as ``a.b`` is read together with ``a``.
    wanted = {name.partition(".")[0] for name in included}

    def load(rows: Rows, shown: Shown) -> Shown:
        return [each for name, load_one in LOADERS.items() if name in wanted for each in load_one(rows, shown)]

    return load


def _projects(rows: Rows, _shown: Shown) -> Shown:
    return PROJECTS.find_many({row.project_id for row in rows})


def _organizations(rows: Rows, _shown: Shown) -> Shown:
    return ORGANIZATIONS.find_many({row.organization_id for row in rows})


def _holders(rows: Rows, _shown: Shown) -> Shown:
    users = {row.locked_by_id for row in rows if row.locked_by_type == "users"}
    teams = {row.locked_by_id for row in rows if row.locked_by_type == "teams"}
    return (some_users(users) if users else []) + (TEAM_LINKS.find_many(TEAMS, teams) if teams else [])


def _agent_pools(rows: Rows, _shown: Shown) -> Shown:
    return AGENT_POOLS.find_many({row.agent_pool for row in rows if row.agent_pool})


def _current_versions(rows: Rows) -> set[str]:
    return {row.current_state_version_id for row in rows if row.current_state_version_id}


def _states(rows: Rows, _shown: Shown) -> Shown:
    return LISTED_STATE_VERSIONS.find_many(_current_versions(rows))


def _outputs(rows: Rows, shown: Shown) -> Shown:
    versions = _current_versions(rows)
    outputs = reader().execute(_OUTPUTS_OF, {"versions": versions}).all()
    check_weight([row.length for row in outputs])
    of_workspace = {row.id: row.workspace_id for row in outputs}
    linked: dict[str, list[dict[str, str]]] = {workspace["id"]: [] for workspace in shown}
    found = []
    # Workspaces use this type name for the outputs of a state version.
    for output in OUTPUTS.find_many(of_workspace):
        attributes = output["attributes"]
        identity = {"id": output["id"], "type": "workspace-outputs"}
        linked[of_workspace[output["id"]]].append(identity)
        kept = {name: attributes[name] for name in ("name", "sensitive", "value")}
        found.append({**identity, "attributes": {**kept, "output-type": attributes["type"]}})
    for workspace in shown:
        workspace["relationships"]["outputs"]["data"] = linked[workspace["id"]]
    return found


def _vars(rows: Rows, shown: Shown) -> Shown:
    found = vars_of_workspaces({row.id for row in rows})
    linked: dict[str, list[dict[str, str]]] = {workspace["id"]: [] for workspace in shown}
    for variable in found:
        owner_id = variable["relationships"]["configurable"]["data"]["id"]
        linked[owner_id].append({"id": variable["id"], "type": "vars"})
    for workspace in shown:
        workspace["relationships"]["vars"]["data"] = linked[workspace["id"]]
    return found


def _runs(rows: Rows, _shown: Shown) -> Shown:
    return load_included(Run, {row.current_run_id for row in rows if row.current_run_id})


def _latest_runs(rows: Rows, _shown: Shown) -> Shown:
    return load_included(Run, {row.latest_run_id for row in rows if row.latest_run_id})


LOADERS: Final = {
    "current_run": _runs,
    "latest_run": _latest_runs,
    "project": _projects,
    "organization": _organizations,
    "locked_by": _holders,
    "agent_pool": _agent_pools,
    "effective_tag_bindings": include_workspace_tags,
    "current_state_version": _states,
    "outputs": _outputs,
    "vars": _vars,
}
# Clients may ask for these, but no workspace has them here, so nothing is included.
_NEVER_THERE: Final = (
    "current_assessment_result",
    "current_configuration_version",
    "current_configuration_version.ingress_attributes",
    "current_run.apply",
    "current_run.configuration_version",
    "current_run.configuration_version.ingress_attributes",
    "current_run.plan",
    "current_state_version.resources_processed",
    "latest_run.apply",
    "latest_run.configuration_version",
    "latest_run.configuration_version.ingress_attributes",
    "latest_run.plan",
    "no_code_module_version",
    "no_code_module_version.no_code_module",
    "no_code_module_version.no_code_module.latest_version",
    "readme",
)
INCLUDES: Final = (*LOADERS, *_NEVER_THERE)
