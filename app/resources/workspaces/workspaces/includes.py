"""The related resources of a page of workspaces. Each kind costs one or two statements, however many there are."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, func, select

from app.authz.permissions import P
from app.models.applies import Apply
from app.models.assessment_results import AssessmentResult
from app.models.configuration_versions import ConfigurationVersion
from app.models.plans import Plan
from app.models.runs import Run
from app.models.state_versions import StateVersionOutput
from app.persistence import Base, in_values, values_param
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
        found = {name: load_one(rows, shown) for name, load_one in LOADERS.items() if name in wanted}
        loaded = [each for name in found for each in found[name]]
        parts = {name.partition(".")[2].partition(".")[0] for name in included if name.partition(".")[0] in OF_RUNS}
        runs = [each for each in loaded if each["type"] == "runs"]
        return [
            *loaded,
            *(each for part, model in RUN_PARTS.items() if part in parts for each in _part(runs, part, model)),
        ]

    return load


def _part(runs: Shown, part: str, model: type[Base]) -> Shown:
    """What the included runs are related to, such as their plans."""
    linked = (run["relationships"][part.replace("_", "-")]["data"] for run in runs)
    return load_included(model, {each["id"] for each in linked if each is not None})


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


def _configurations(rows: Rows, _shown: Shown) -> Shown:
    wanted = {row.current_configuration_version_id for row in rows if row.current_configuration_version_id}
    return load_included(ConfigurationVersion, wanted)


def _assessment_results(rows: Rows, _shown: Shown) -> Shown:
    wanted = {row.current_assessment_result_id for row in rows if row.current_assessment_result_id}
    return load_included(AssessmentResult, wanted)


# The relationships of a workspace to runs, and what of these runs can be included with them.
OF_RUNS: Final = ("current_run", "latest_run")
RUN_PARTS: Final[Mapping[str, type[Base]]] = {
    "apply": Apply,
    "configuration_version": ConfigurationVersion,
    "plan": Plan,
}
LOADERS: Final = {
    "current_assessment_result": _assessment_results,
    "current_configuration_version": _configurations,
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
    "current_configuration_version.ingress_attributes",
    "current_run.configuration_version.ingress_attributes",
    "current_state_version.resources_processed",
    "latest_run.configuration_version.ingress_attributes",
    "no_code_module_version",
    "no_code_module_version.no_code_module",
    "no_code_module_version.no_code_module.latest_version",
    "readme",
)
INCLUDES: Final = (*LOADERS, *(f"{run}.{part}" for run in OF_RUNS for part in RUN_PARTS), *_NEVER_THERE)
