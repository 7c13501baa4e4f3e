"""Something real for the fuzzer to aim at."""

from collections.abc import Callable, Mapping
from typing import Any

from app.resources.models import AuthenticationToken, Organization, ReservedTagKey, StateVersion, Var
from tests.world import World


class Targets:
    """Fresh resources of one owner, made when they are asked for: an earlier request may have deleted the last ones."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.owner = world.person()
        self._known: dict[str, str] = {}
        self.renew()

    def renew(self) -> None:
        """Forget what the last request may have changed, the organization and its token included."""
        self._known.clear()
        self._organization: Organization = self._world.organization(owner=self.owner)
        self._world.token(self._organization)

    def of_type(self, type_: str) -> str | None:
        """The id of a resource of the type; None for a type of which there are none."""
        if type_ not in _MAKERS:
            return None
        if type_ not in self._known:
            self._known[type_] = _MAKERS[type_](self)
        return self._known[type_]

    def parameters(self, names: Mapping[str, Any]) -> dict[str, str]:
        """Real values for the variable parts of an address."""
        return {name: self._parameter(name) for name in names}

    def aimed(self, body: Any) -> Any:
        """The body with the ids of resources that there are, wherever it names one of a known type."""
        if isinstance(body, list):
            return [self.aimed(item) for item in body]
        if not isinstance(body, dict):
            return body
        found = {name: self.aimed(value) for name, value in body.items()}
        type_ = found.get("type")
        if "id" in found and isinstance(type_, str) and (real := self.of_type(type_)):
            found["id"] = real
        return found

    def _parameter(self, name: str) -> str:
        if name in MADE_UP:
            return MADE_UP[name]
        if name == "organization":
            return self._organization.name
        if name == "name":
            self.of_type("workspaces")
            return self._workspace_name
        found = self.of_type(_PARAMETERS[name])
        assert found is not None
        return found

    # --- how each is made ------------------------------------------------------------------------------------------

    def _project(self) -> str:
        project = self._world.project(self._organization)
        self._world.tag(project, "team", "platform")
        return project.id

    def _workspace(self) -> str:
        workspace = self._world.workspace(self._world.project(self._organization))
        self._workspace_name = workspace.name
        return workspace.id

    def _team_project(self) -> str:
        project = self._world.project(self._organization)
        return self._world.access(self._world.team(self._organization), project, "write").id

    def _team(self) -> str:
        return self._world.team(self._organization).id

    def _membership(self) -> str:
        return self._world.membership(self._organization, self._world.person())

    def _var(self) -> str:
        workspace_id = self.of_type("workspaces")
        place = {"organization_id": self._organization.id, "workspace_id": workspace_id}
        return self._world.add(Var(**place, key="region", category="env", value="here")).id

    def _team_workspace(self) -> str:
        workspace = self._world.workspace(self._world.project(self._organization))
        return self._world.workspace_access(self._world.team(self._organization), workspace, "write").id

    def _reserved_tag_key(self) -> str:
        return self._world.add(ReservedTagKey(organization_id=self._organization.id, key="cost-center")).id

    def _state_version(self) -> str:
        place = {"organization_id": self._organization.id, "workspace_id": self.of_type("workspaces")}
        return self._world.add(StateVersion(**place, number=1, serial=1, md5="0" * 32)).id

    def _token(self) -> str:
        tokens = self._world.all(AuthenticationToken)
        return next(str(token.id) for token in tokens if token.organization_id == self._organization.id)


_MAKERS: Mapping[str, Callable[[Targets], str]] = {
    "authentication-tokens": Targets._token,
    "organization-memberships": Targets._membership,
    "organizations": lambda targets: targets._organization.name,
    "projects": Targets._project,
    "reserved-tag-keys": Targets._reserved_tag_key,
    "state-versions": Targets._state_version,
    "team-projects": Targets._team_project,
    "team-workspaces": Targets._team_workspace,
    "teams": Targets._team,
    "vars": Targets._var,
    "varsets": lambda targets: targets._world.varset(targets._organization).id,
    "users": lambda targets: targets.owner.id,
    "workspaces": Targets._workspace,
}
# Aimed at nothing: an upload's address and an output come from a whole state, a tag's id from its name.
MADE_UP = {"output_id": "wsout-1111111111111111", "tag_id": "tag-1111111111111111", "ticket": "made-up"}
_PARAMETERS = {
    "key_id": "reserved-tag-keys",
    "membership_id": "organization-memberships",
    "project_id": "projects",
    "team_id": "teams",
    "team_project_id": "team-projects",
    "team_workspace_id": "team-workspaces",
    "token_id": "authentication-tokens",
    "user_id": "users",
    "var_id": "vars",
    "varset_id": "varsets",
    "version_id": "state-versions",
    "workspace_id": "workspaces",
}
