"""Where runs execute: the three places where it is set, and a scene with one of each."""

from dataclasses import dataclass
from typing import Any

from app.models import AgentPool, Organization, Project, Workspace
from tests.support.api import Api, document
from tests.support.world import Person, World


@dataclass(frozen=True)
class Level:
    """One of the three places where the mode is set, spelled as clients do."""

    type_: str
    prefix: str
    path: str
    pool: str  # as the errors call it
    subject: str

    def sent(self, mode: str | None = None, pool: Any = "", *, overwrites: bool | None = None) -> dict[str, Any]:
        """The attributes; an empty pool is not mentioned."""
        attributes: dict[str, Any] = {}
        if mode is not None:
            attributes[f"{self.prefix}execution-mode"] = mode
        if pool != "":
            attributes[f"{self.prefix}agent-pool-id"] = pool
        if overwrites is not None:
            names = (f"{self.prefix}execution-mode", f"{self.prefix}agent-pool")
            attributes["setting-overwrites"] = dict.fromkeys(names, overwrites)
        return attributes

    def shown(self, answer: Any) -> tuple[str, str | None]:
        """The mode and the pool that are in force."""
        linkage = answer["data"]["relationships"][f"{self.prefix}agent-pool"]["data"]
        assert linkage is None or linkage["type"] == "agent-pools"
        return answer["data"]["attributes"][f"{self.prefix}execution-mode"], linkage and linkage["id"]

    def overwrites(self, answer: Any) -> bool:
        """Whether mode and pool are its own; always both."""
        given = answer["data"]["attributes"]["setting-overwrites"]
        own = {given[f"{self.prefix}execution-mode"], given[f"{self.prefix}agent-pool"]}
        assert len(own) == 1
        return bool(own.pop())


LEVELS = {
    "organization": Level(
        "organizations", "default-", "/organizations/acme", "Default agent pool", "Default agent pool"
    ),
    "project": Level("projects", "default-", "/projects/{project}", "Default agent pool", "Agent pool"),
    "workspace": Level("workspaces", "", "/workspaces/{workspace}", "Agent pool", "Agent pool"),
}
INHERITING = ("project", "workspace")


class Scene:
    """An organization with a project and a workspace, all of which inherit, and two pools."""

    def __init__(self, api: Api, world: World, acme: Organization, owner: Person) -> None:
        self.api, self.world, self.acme, self.token = api, world, acme, owner.token
        self.project: Project = world.project(acme, "network")
        self.workspace: Workspace = world.workspace(self.project, "net")
        self.pool: AgentPool = world.pool(acme, "first")
        self.other: AgentPool = world.pool(acme, "second")

    def path(self, name: str) -> str:
        return LEVELS[name].path.format(project=self.project.id, workspace=self.workspace.id)

    def set(self, name: str, *, expect: int = 200, **given: Any) -> Any:
        """Send an update of the mode at the level; the answer."""
        level = LEVELS[name]
        return self.api.patch(self.path(name), self.token, document(level.type_, level.sent(**given)), expect=expect)

    def force(self, name: str) -> tuple[str, str | None]:
        """What is in force at the level; alone, in a list, and by the workspace's name the same."""
        level = LEVELS[name]
        found = self.api.get(self.path(name), self.token)
        if name != "organization":
            listed = self.api.get(f"/organizations/acme/{level.type_}", self.token)["data"]
            assert found["data"] in listed
        return level.shown(found)

    def everywhere(self) -> list[tuple[str, str | None]]:
        return [self.force(name) for name in LEVELS]
