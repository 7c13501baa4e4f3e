"""Something real for the fuzzer to aim at."""

from collections.abc import Callable, Mapping
from typing import Any

from app.resources.models import AuthenticationToken, Organization
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

    def _token(self) -> str:
        tokens = self._world.all(AuthenticationToken)
        return next(str(token.id) for token in tokens if token.organization_id == self._organization.id)


_MAKERS: Mapping[str, Callable[[Targets], str]] = {
    "authentication-tokens": Targets._token,
    "organization-memberships": Targets._membership,
    "organizations": lambda targets: targets._organization.name,
    "projects": Targets._project,
    "team-projects": Targets._team_project,
    "teams": Targets._team,
    "users": lambda targets: targets.owner.id,
    "workspaces": Targets._workspace,
}
_PARAMETERS = {
    "membership_id": "organization-memberships",
    "project_id": "projects",
    "team_id": "teams",
    "team_project_id": "team-projects",
    "token_id": "authentication-tokens",
    "user_id": "users",
    "workspace_id": "workspaces",
}
