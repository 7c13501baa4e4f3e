"""Terraform code for an export: resources of the provider hashicorp/tfe, with blocks that import what is there."""

from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, Final

from app.transfer.hcl import Block, Expression, Labels, block, quoted
from app.transfer.records import (
    AGENT_POOLS,
    CONSUMERS,
    NOTIFICATIONS,
    PROJECT_TAGS,
    PROJECT_TEAMS,
    PROJECTS,
    RUN_TRIGGERS,
    TEAMS,
    VARIABLES,
    VARSET_PLACES,
    VARSET_VARIABLES,
    VARSETS,
    WORKSPACE_TAGS,
    WORKSPACE_TEAMS,
    WORKSPACES,
    Key,
    Record,
    Reference,
)

CUSTOM: Final = "custom"
# The attributes of a resource of the provider that come from attributes of the API with the same name.
OF_TEAMS: Final = ("name", "visibility", "allow-member-token-management")
OF_PROJECTS: Final = ("name", "description", "auto-destroy-activity-duration")
OF_WORKSPACES: Final = (
    *("name", "description", "auto-apply", "allow-destroy-plan", "assessments-enabled", "file-triggers-enabled"),
    *("queue-all-runs", "speculative-enabled", "structured-run-output-enabled", "terraform-version"),
    *("working-directory", "trigger-prefixes", "trigger-patterns", "source-name", "source-url"),
    *("auto-destroy-activity-duration",),
)
OF_VARIABLES: Final = ("key", "value", "category", "description", "hcl", "sensitive")
OF_VARSETS: Final = ("name", "description", "global", "priority")
OF_NOTIFICATIONS: Final = ("name", "destination-type", "url", "triggers", "email-addresses", "enabled")
OF_TEAM_ACCESS: Final = ("runs", "variables", "state-versions", "sentinel-mocks", "workspace-locking", "run-tasks")
# What the provider knows of the flags of organization-access.
OF_ORGANIZATION_ACCESS: Final = (
    *("read-workspaces", "read-projects", "manage-policies", "manage-policy-overrides", "manage-workspaces"),
    *("manage-vcs-settings", "manage-providers", "manage-modules", "manage-run-tasks", "manage-projects"),
    *("manage-membership", "manage-teams", "manage-organization-access", "access-secret-teams", "manage-agent-pools"),
)

_ABOVE: Final = """\
# The project {project} of the organization {organization}, as code for the provider hashicorp/tfe.
#
# The import blocks take over what is there, in the service that this was exported from. Remove them to make the same
# somewhere else. Values of sensitive variables are input variables, because they are not written here.

"""


class Code:
    """Writes the code record by record. Tags and settings that the provider has elsewhere come with their resource."""

    def __init__(self, file: IO[bytes], organization: str, project: str) -> None:
        """Write into this file."""
        self._file = file
        self._organization = organization
        self._labels = Labels()
        self._references: dict[tuple[str, Key], str] = {}
        self._ids: dict[tuple[str, Key], str] = {}
        # A workspace waits for its tags, which are an attribute of it in the provider.
        self._waiting: tuple[Record, dict[str, str]] | None = None
        self._workspaces: list[Record] = []
        self._consumers: dict[Key, list[Reference]] = {}
        self._write(_ABOVE.format(project=project, organization=organization))
        self._write(
            block(
                "terraform",
                {},
                [Block("required_providers", {"tfe": {"source": "hashicorp/tfe", "version": "~> 0.70"}})],
            )
        )
        self._write("\n" + block('provider "tfe"', {"organization": organization}))
        self._writers: Mapping[str, Callable[[Record], None]] = {
            TEAMS: self._team,
            PROJECT_TEAMS: self._project_team,
            VARIABLES: self._variable,
            VARSET_VARIABLES: self._variable,
            VARSETS: self._varset,
            VARSET_PLACES: self._places,
            WORKSPACE_TEAMS: self._workspace_team,
            NOTIFICATIONS: self._notification,
            RUN_TRIGGERS: self._run_trigger,
            CONSUMERS: self._note_consumers,
        }

    def add(self, record: Record) -> None:
        """Write what the provider has for the record."""
        if record.kind in {PROJECT_TAGS, WORKSPACE_TAGS} and self._waiting is not None:
            self._waiting[1].update(record.attributes["tags"])
            self._waiting[1].update(dict.fromkeys(record.attributes.get("tag-names", ()), ""))
        elif record.kind in {PROJECTS, WORKSPACES}:
            self._flush()
            self._waiting = (record, {})
            self._name(record, "tfe_project" if record.kind == PROJECTS else "tfe_workspace")
        elif (write := self._writers.get(record.kind)) is not None:
            self._flush()
            write(record)

    def end(self) -> None:
        """Write what waited for the end: settings name other workspaces."""
        self._flush()
        for record in self._workspaces:
            self._settings(record, self._consumers.get(record.key, ()))

    def _flush(self) -> None:
        if self._waiting is None:
            return
        record, tags = self._waiting
        self._waiting = None
        if record.kind == PROJECTS:
            self._resource(record, "tfe_project", {**_picked(record, OF_PROJECTS), **_tags(tags)}, record.id)
            if own := self._mode(record, "default-execution-mode", "default-agent-pool"):
                content = {"project_id": self._reference([PROJECTS, *record.key]), **own}
                self._resource(record, "tfe_project_settings", content, record.id)
            return
        content = _picked(record, OF_WORKSPACES)
        if (project := record.references.get("project")) is not None:
            content["project_id"] = self._reference(project)
        self._resource(record, "tfe_workspace", {**content, **_tags(tags)}, record.id)
        self._workspaces.append(record)

    def _team(self, record: Record) -> None:
        access = record.attributes.get("organization-access") or {}
        flags = {_snake(flag): access[flag] for flag in OF_ORGANIZATION_ACCESS if access.get(flag)}
        blocks = [Block("organization_access", flags)] if flags else []
        self._resource(record, "tfe_team", _picked(record, OF_TEAMS), f"{self._organization}/{record.id}", blocks)

    def _project_team(self, record: Record) -> None:
        if self._ends(record):
            return
        content = {
            "access": record.attributes["access"],
            "team_id": self._reference(record.references["team"]),
            "project_id": self._reference([PROJECTS, *record.key[:1]]),
        }
        blocks = [
            Block(_snake(name), {_snake(each): value for each, value in record.attributes[name].items()})
            for name in ("project-access", "workspace-access")
            if record.attributes["access"] == CUSTOM and record.attributes.get(name)
        ]
        self._resource(record, "tfe_team_project_access", content, record.id, blocks)

    def _ends(self, record: Record) -> bool:
        """Whether it is access that ends. The provider has no word for that, and would make it access for ever."""
        end = record.attributes.get("expires-at")
        if end is not None:
            team = record.references["team"][1]
            self._write(f"\n# Left out: the access of the team {quoted(team)}, which ends at {end}.\n")
        return end is not None

    def _workspace_team(self, record: Record) -> None:
        if self._ends(record):
            return
        content: dict[str, Any] = {
            "team_id": self._reference(record.references["team"]),
            "workspace_id": self._reference([WORKSPACES, *record.key[:1]]),
        }
        blocks = []
        if record.attributes["access"] == CUSTOM:
            blocks = [Block("permissions", _picked(record, OF_TEAM_ACCESS))]
        else:
            content = {"access": record.attributes["access"], **content}
        identifier = f"{self._organization}/{record.key[0]}/{record.id}"
        self._resource(record, "tfe_team_access", content, identifier, blocks)

    def _varset(self, record: Record) -> None:
        if record.is_shared:
            # It belongs to the organization, so the code of a project only looks it up.
            label = self._labels.new("tfe_variable_set", *record.key)
            self._write("\n" + block(f'data "tfe_variable_set" "{label}"', {"name": record.key[-1]}))
            self._references[VARSETS, record.key] = f"data.tfe_variable_set.{label}"
            return
        content = _picked(record, OF_VARSETS)
        if owner := record.references.get("parent"):
            content["parent_project_id"] = self._reference(owner)
        self._resource(record, "tfe_variable_set", content, record.id)

    def _variable(self, record: Record) -> None:
        content = _picked(record, OF_VARIABLES)
        if record.attributes.get("sensitive"):
            name = self._labels.new("variable", *record.key)
            self._write("\n" + block(f'variable "{name}"', {"type": Expression("string"), "sensitive": True}))
            content["value"] = Expression(f"var.{name}")
        owner = WORKSPACES if record.kind == VARIABLES else VARSETS
        place = record.key[:-2]
        attribute = "workspace_id" if record.kind == VARIABLES else "variable_set_id"
        content[attribute] = self._reference([owner, *place])
        within = place[0] if record.kind == VARIABLES else self._ids.get((VARSETS, place), "")
        self._resource(record, "tfe_variable", content, f"{self._organization}/{within}/{record.id}")

    def _places(self, record: Record) -> None:
        """Each place is a resource of its own."""
        name = record.key[-1]
        for relationship, type_, attribute in (
            ("projects", "tfe_project_variable_set", "project_id"),
            ("workspaces", "tfe_workspace_variable_set", "workspace_id"),
        ):
            for place in record.references.get(relationship, ()):
                kind = str(place[0])
                where = self._ids.get((kind, tuple(place[1:])), "") if kind == PROJECTS else place[1]
                content = {
                    "variable_set_id": self._reference([VARSETS, *record.key]),
                    attribute: self._reference(place),
                }
                label = self._labels.new(type_, *record.key, place[1])
                self._blocks(type_, label, content, f"{self._organization}/{where}/{name}")

    def _notification(self, record: Record) -> None:
        content = _picked(record, OF_NOTIFICATIONS)
        if record.attributes.get("destination-type") != "email":
            content.pop("email_addresses", None)
        content["workspace_id"] = self._reference([WORKSPACES, *record.key[:1]])
        self._resource(record, "tfe_notification_configuration", content, record.id)

    def _run_trigger(self, record: Record) -> None:
        content = {
            "workspace_id": self._reference([WORKSPACES, *record.key[:1]]),
            "sourceable_id": self._reference(record.references["sourceable"]),
        }
        self._resource(record, "tfe_run_trigger", content, record.id)

    def _note_consumers(self, record: Record) -> None:
        self._consumers[record.key] = record.references["consumers"]

    def _settings(self, record: Record, consumers: Sequence[Reference]) -> None:
        """The settings that the provider wants in a resource of their own."""
        content: dict[str, Any] = {"workspace_id": self._reference([WORKSPACES, *record.key])}
        content |= self._mode(record, "execution-mode", "agent-pool")
        if record.attributes.get("global-remote-state") is not None:
            content["global_remote_state"] = record.attributes["global-remote-state"]
        if consumers and not content.get("global_remote_state"):
            content["remote_state_consumer_ids"] = [self._reference(each) for each in consumers]
        self._resource(record, "tfe_workspace_settings", content, record.id)

    def _mode(self, record: Record, mode: str, pool: str) -> dict[str, Any]:
        """The execution mode of its own, with its agent pool, which belongs to the organization."""
        wanted = record.attributes.get(mode)
        if not wanted:
            return {}
        content: dict[str, Any] = {_snake(mode): wanted}
        if (reference := record.references.get(pool)) is not None:
            key = (AGENT_POOLS, tuple(reference[1:]))
            if key not in self._references:
                label = self._labels.new("tfe_agent_pool", reference[1])
                self._write("\n" + block(f'data "tfe_agent_pool" "{label}"', {"name": reference[1]}))
                self._references[key] = f"data.tfe_agent_pool.{label}"
            content[f"{_snake(pool)}_id"] = self._reference(reference)
        return content

    def _resource(
        self, record: Record, type_: str, content: Mapping[str, Any], identifier: str, blocks: Sequence[Block] = ()
    ) -> None:
        known = self._references.get((record.kind, record.key), "")
        label = known.split(".")[1] if known.startswith(f"{type_}.") else self._name(record, type_)
        self._blocks(type_, label, content, identifier, blocks)

    def _blocks(
        self, type_: str, label: str, content: Mapping[str, Any], identifier: str, blocks: Sequence[Block] = ()
    ) -> None:
        self._write("\n" + block(f'resource "{type_}" "{label}"', content, blocks))
        self._write("\n" + block("import", {"to": Expression(f"{type_}.{label}"), "id": identifier}))

    def _name(self, record: Record, type_: str) -> str:
        label = self._labels.new(type_, *record.key)
        self._references.setdefault((record.kind, record.key), f"{type_}.{label}")
        self._ids.setdefault((record.kind, record.key), record.id)
        return label

    def _reference(self, to: Reference) -> Expression | str:
        """The id of what is in the code, or else its id as it is."""
        found = self._references.get((to[0], tuple(to[1:])))
        return Expression(f"{found}.id") if found else to[-1]

    def _write(self, text: str) -> None:
        self._file.write(text.encode())


def _picked(record: Record, names: Sequence[str]) -> dict[str, Any]:
    """These attributes, where they say something."""
    return {_snake(name): value for name in names if (value := record.attributes.get(name)) not in (None, "", [])}


def _tags(tags: Mapping[str, str]) -> dict[str, Any]:
    return {"tags": dict(sorted(tags.items()))} if tags else {}


def _snake(name: str) -> str:
    return name.replace("-", "_")
