"""Teams, projects with their environments, links and tags, and who has access to them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.resources.access.project_members.schema import ProjectMemberSchema
from app.resources.access.team_projects.schema import TeamProjectSchema
from app.resources.organizations.teams.access import FLAGS
from app.resources.organizations.teams.schema import TeamSchema
from app.resources.projects.environments.schema import EnvironmentSchema
from app.resources.projects.projects.schema import ProjectSchema
from app.resources.projects.repository_links.schema import RepositoryLinkSchema
from app.resources.projects.tag_bindings.schema import TagBindingSchema
from app.transfer.client import Resource, attributes_of, linkage_of
from app.transfer.kinds import Kind, Parent, Resolve, identifier_named
from app.transfer.records import (
    AGENT_POOLS,
    ENVIRONMENTS,
    MEMBERS,
    PEOPLE,
    PROJECT_TAGS,
    PROJECT_TEAMS,
    PROJECTS,
    REPOSITORY_LINKS,
    TEAMS,
    Key,
    Record,
)
from app.transfer.side import Side

OWNERS = "owners"
CUSTOM = "custom"


class Teams(Kind):
    """Teams with what they may do in the organization; who is in them is not carried."""

    name, type, title = TEAMS, "teams", "team"
    schema = TeamSchema
    list_path, single_path = "/teams", "/teams/{}"
    # There is no single sign-on.
    not_carried = frozenset({"sso-team-id"})

    def record(self, side: Side, parent: Parent, resource: Resource) -> Record | None:
        """Every organization has its owners already."""
        side.note_name(self.type, str(resource["id"]), attributes_of(resource).get("name"))
        return None if attributes_of(resource).get("name") == OWNERS else super().record(side, parent, resource)

    def carried_attributes(self, resource: Resource) -> dict[str, Any]:
        """What another service knows beside is left to its default here."""
        found = super().carried_attributes(resource)
        access = found.get("organization-access")
        if isinstance(access, dict):
            found["organization-access"] = {flag: value for flag, value in access.items() if flag in FLAGS}
        return found


class Projects(Kind):
    """Projects and their settings."""

    name, type, title = PROJECTS, "projects", "project"
    schema = ProjectSchema
    list_path, single_path = "/projects", "/projects/{}"
    not_carried = frozenset({"default-agent-pool-id"})
    optional = frozenset({"default-agent-pool"})

    def record(self, side: Side, parent: Parent, resource: Resource) -> Record | None:
        """The record, with the name noted for what refers to it."""
        side.note_name(self.type, str(resource["id"]), attributes_of(resource).get("name"))
        return super().record(side, parent, resource)

    def carried_attributes(self, resource: Resource) -> dict[str, Any]:
        """A mode that is inherited is inherited from another organization then."""
        return with_own_mode(super().carried_attributes(resource), "default-execution-mode", "default-agent-pool")

    def references(self, side: Side, parent: Parent, resource: Resource) -> dict[str, Any] | None:  # noqa: ARG002
        """The pool of its own, and the cloud provider, which has the same name everywhere."""
        found: dict[str, Any] = {}
        if uses_own_pool(resource, "default-execution-mode", "default-agent-pool"):
            pool = identifier_named(side, resource, "default-agent-pool", AGENT_POOLS)
            found |= {} if pool is None else {"default-agent-pool": pool}
        if provider := linkage_of(resource, "cloud-provider"):
            found["cloud-provider"] = ["cloud-providers", str(provider["id"])]
        return found


def with_own_mode(attributes: dict[str, Any], mode: str, pool: str) -> dict[str, Any]:
    """The attributes, without an execution mode that is inherited."""
    overwrites = attributes.pop("setting-overwrites", None)
    is_own = attributes.get(mode) is not None if overwrites is None else bool(overwrites.get(mode))
    if not is_own:
        attributes.pop(mode, None)
    return {**attributes, "setting-overwrites": dict.fromkeys((mode, pool), is_own)}


def uses_own_pool(resource: Resource, mode: str, pool: str) -> bool:
    """Whether the agent pool that the resource shows is its own."""
    overwrites = attributes_of(resource).get("setting-overwrites") or {mode: True}
    return (
        bool(overwrites.get(mode)) and attributes_of(resource).get(mode) == "agent" and bool(linkage_of(resource, pool))
    )


class Environments(Kind):
    """The environments of a project; each project begins with one."""

    name, type, title = ENVIRONMENTS, "environments", "environment"
    schema = EnvironmentSchema
    parent = PROJECTS
    list_path, single_path = "/projects/{}/environments", "/environments/{}"

    def record(self, side: Side, parent: Parent, resource: Resource) -> Record | None:
        """The record, which also says whether it is the default."""
        found = super().record(side, parent, resource)
        side.note_name(self.type, str(resource["id"]), attributes_of(resource).get("name"))
        if found is not None and attributes_of(resource).get("is-default"):
            found.attributes["is-default"] = True
        return found

    def create(self, side: Side, parent: Parent, record: Record, resolve: Resolve) -> str:
        """Which one is the default is set by an action."""
        made = super().create(side, parent, _without_default(record), resolve)
        self._set_default(side, made, record)
        return made

    def update(self, side: Side, parent: Parent, changes: Record, resolve: Resolve) -> None:
        """Likewise."""
        others = _without_default(changes)
        if others.attributes:
            super().update(side, parent, others, resolve)
        self._set_default(side, changes.id, changes)

    def _set_default(self, side: Side, identifier: str, record: Record) -> None:
        if record.attributes.get("is-default"):
            side.api.send("POST", f"/environments/{identifier}/actions/set-default", {})


def _without_default(record: Record) -> Record:
    attributes = {name: value for name, value in record.attributes.items() if name != "is-default"}
    return Record(kind=record.kind, key=record.key, attributes=attributes, id=record.id)


class Members(Kind):
    """The roles of people in a project, or in one environment of it."""

    name, type, title = MEMBERS, "project-members", "member"
    schema = ProjectMemberSchema
    parent = PROJECTS
    list_path, single_path = "/projects/{}/members", "/project-members/{}"

    def key_of(self, attributes: Mapping[str, Any], references: Mapping[str, Any]) -> Key:
        """The address of the person, and the environment."""
        environment = references.get("environment")
        return (str(attributes.get("email")), str(environment[2]) if environment else "")

    def references(self, side: Side, parent: Parent, resource: Resource) -> dict[str, Any] | None:
        """The person, by e-mail address."""
        email = attributes_of(resource).get("email")
        if not email:
            return None
        found: dict[str, Any] = {"user": [PEOPLE, email]}
        if environment := linkage_of(resource, "environment"):
            found["environment"] = [ENVIRONMENTS, *parent.key, str(side.name_of(environment))]
        return found


class TeamAccess(Kind):
    """The access of a team."""

    # The attributes that count with custom access alone.
    details: frozenset[str] = frozenset()

    def key_of(self, attributes: Mapping[str, Any], references: Mapping[str, Any]) -> Key:  # noqa: ARG002
        """The name of the team."""
        return (str(references["team"][1]),)

    def references(self, side: Side, parent: Parent, resource: Resource) -> dict[str, Any] | None:  # noqa: ARG002
        """The team; the owners have access to everything."""
        team = identifier_named(side, resource, "team", TEAMS)
        return None if team is None or team[1] == OWNERS else {"team": team}

    def carried_attributes(self, resource: Resource) -> dict[str, Any]:
        """The details of another level follow from the level."""
        found = super().carried_attributes(resource)
        is_custom = found.get("access") == CUSTOM
        return {name: value for name, value in found.items() if is_custom or name not in self.details}


class ProjectTeams(TeamAccess):
    """The access of teams to a project."""

    name, type, title = PROJECT_TEAMS, "team-projects", "access of a team to a project"
    schema = TeamProjectSchema
    parent = PROJECTS
    list_path, single_path = "/team-projects", "/team-projects/{}"
    details = frozenset({"project-access", "workspace-access"})

    def list_query(self, side: Side, parent: Parent) -> dict[str, str]:  # noqa: ARG002
        """Those of the project."""
        return {"filter[project][id]": parent.id}

    def place(self, parent: Parent) -> dict[str, Any]:
        """The address does not name the project."""
        return {"project": {"data": {"type": "projects", "id": parent.id}}}


class RepositoryLinks(Kind):
    """Repositories with code of a project."""

    name, type, title = REPOSITORY_LINKS, "repository-links", "repository link"
    schema = RepositoryLinkSchema
    parent = PROJECTS
    list_path, single_path = "/projects/{}/repository-links", "/repository-links/{}"
    keys = ("url",)


class Tags(Kind):
    """The keys and values of a project or a workspace, all in one record. None is ever taken away."""

    type = "tag-bindings"
    schema = TagBindingSchema
    single_path = ""

    def read(self, side: Side, parent: Parent) -> Iterator[Record]:
        """One record, or none without tags."""
        found = {
            str(attributes_of(each)["key"]): str(attributes_of(each).get("value") or "")
            for each in side.api.every(self.path(side, parent))
        }
        if found:
            yield Record(kind=self.name, key=parent.key, attributes={"tags": found}, id=parent.id)

    def differences(self, record: Record, found: Record) -> Record | None:
        """Those that are lacking, or have another value."""
        there = found.attributes["tags"]
        lacking = {key: value for key, value in record.attributes["tags"].items() if there.get(key) != value}
        return Record(kind=self.name, key=record.key, attributes={"tags": lacking}) if lacking else None

    def create(self, side: Side, parent: Parent, record: Record, resolve: Resolve) -> str:
        """Add all."""
        self.update(side, parent, record, resolve)
        return parent.id

    def update(self, side: Side, parent: Parent, changes: Record, resolve: Resolve) -> None:  # noqa: ARG002
        """Add those, or give them another value; others stay."""
        tags: Sequence[tuple[str, str]] = list(changes.attributes["tags"].items())
        data = [{"type": self.type, "attributes": {"key": key, "value": value}} for key, value in tags]
        side.api.send("PATCH", self.path(side, parent), {"data": data})


class ProjectTags(Tags):
    """The tags of a project."""

    name, title = PROJECT_TAGS, "tags of project"
    parent = PROJECTS
    list_path = "/projects/{}/tag-bindings"
