"""Workspaces, their variables, and what else belongs to one."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from app.resources.access.team_workspaces.schema import TeamWorkspaceSchema
from app.resources.access.workspace_acl_entries.schema import WorkspaceAclEntrySchema
from app.resources.notifications.notification_configurations.schema import NotificationConfigurationSchema
from app.resources.runs.run_triggers.schema import RunTriggerSchema
from app.resources.workspaces.vars.schema import VarSchema
from app.resources.workspaces.workspaces.schema import WorkspaceSchema
from app.transfer.client import Resource, attributes_of, linkage_of
from app.transfer.kinds import Kind, Parent, Resolve, fold, identifier_named
from app.transfer.organization_kinds import Tags, TeamAccess, uses_own_pool, with_own_mode
from app.transfer.records import (
    AGENT_POOLS,
    CONSUMERS,
    ENVIRONMENTS,
    NOTIFICATIONS,
    PEOPLE,
    PROJECT_NOTIFICATIONS,
    PROJECTS,
    RUN_TRIGGERS,
    VARIABLES,
    WORKSPACE_ACCESS,
    WORKSPACE_TAGS,
    WORKSPACE_TEAMS,
    WORKSPACES,
    Key,
    Record,
)
from app.transfer.side import Side


class Workspaces(Kind):
    """Workspaces and their settings."""

    name, type, title = WORKSPACES, "workspaces", "workspace"
    schema = WorkspaceSchema
    list_path, single_path = "/workspaces", "/workspaces/{}"
    not_carried = frozenset(
        {"operations", "agent-pool-id", "vcs-repo", "hyok-enabled", "avatar-url", "auto-destroy-at"}
    )
    only_new = frozenset({"source-name", "source-url"})
    optional = frozenset({"agent-pool", "project-environment"})

    def record(self, side: Side, parent: Parent, resource: Resource) -> Record | None:
        """The record, with the name noted for what refers to it."""
        side.note_name(self.type, str(resource["id"]), attributes_of(resource).get("name"))
        return super().record(side, parent, resource)

    def carried_attributes(self, resource: Resource) -> dict[str, Any]:
        """What is inherited is not carried: it is the project's."""
        found = with_own_mode(super().carried_attributes(resource), "execution-mode", "agent-pool")
        if found.get("inherits-project-auto-destroy"):
            found.pop("auto-destroy-activity-duration", None)
        return found

    def references(self, side: Side, parent: Parent, resource: Resource) -> dict[str, Any] | None:  # noqa: ARG002
        """The project, which some services don't have, the environment, and a pool of its own."""
        found: dict[str, Any] = {}
        project = identifier_named(side, resource, "project", PROJECTS)
        if project is not None:
            found["project"] = project
            environment = attributes_of(resource).get("environment")
            # Another service has environment as a word for something else.
            if environment and linkage_of(resource, "project-environment"):
                found["project-environment"] = [ENVIRONMENTS, project[1], environment]
        if uses_own_pool(resource, "execution-mode", "agent-pool"):
            pool = identifier_named(side, resource, "agent-pool", AGENT_POOLS)
            found |= {} if pool is None else {"agent-pool": pool}
        return found


class Variables(Kind):
    """The variables of a workspace."""

    name, type, title = VARIABLES, "vars", "variable"
    schema = VarSchema
    parent = WORKSPACES
    list_path, single_path = "/workspaces/{}/vars", "/workspaces/{parent}/vars/{}"
    keys = ("category", "key")
    is_folded = False
    owner: ClassVar[str] = "workspace_id"

    def read(self, side: Side, parent: Parent) -> Iterator[Record]:
        """With the values of sensitive ones, if this side may read them."""
        values: Mapping[str, str] | None = None
        for record in super().read(side, parent):
            if record.attributes.get("sensitive") and side.secrets is not None:
                values = values or side.secrets.of(self.owner, parent.id)
                record.attributes["value"] = values.get(record.id)
            yield record

    def differences(self, record: Record, found: Record) -> Record | None:
        """A sensitive value that is not known is not changed."""
        if record.attributes.get("sensitive") and record.attributes.get("value") is None:
            others = {name: value for name, value in record.attributes.items() if name != "value"}
            record = Record(kind=record.kind, key=record.key, attributes=others)
        return super().differences(record, found)


class WorkspaceTags(Tags):
    """The tags of a workspace; the plain ones are those without a value."""

    name, title = WORKSPACE_TAGS, "tags of workspace"
    parent = WORKSPACES
    list_path = "/workspaces/{}/tag-bindings"

    def read(self, side: Side, parent: Parent) -> Iterator[Record]:
        """Names of plain tags are apart: they are set in another way."""
        names = [str(each) for each in attributes_of(parent.resource).get("tag-names") or []]
        found = next(super().read(side, parent), None)
        tags = found.attributes["tags"] if found else {}
        plain = sorted(name for name in names if not tags.get(name))
        if tags or plain:
            values = {key: value for key, value in tags.items() if key not in plain}
            yield Record(kind=self.name, key=parent.key, attributes={"tags": values, "tag-names": plain}, id=parent.id)

    def differences(self, record: Record, found: Record) -> Record | None:
        """Those that are lacking."""
        tags = super().differences(record, found)
        names = [each for each in record.attributes["tag-names"] if each not in found.attributes["tag-names"]]
        if tags is None and not names:
            return None
        lacking = {"tags": tags.attributes["tags"] if tags else {}, "tag-names": names}
        return Record(kind=self.name, key=record.key, attributes=lacking)

    def update(self, side: Side, parent: Parent, changes: Record, resolve: Resolve) -> None:
        """Add those."""
        if changes.attributes["tags"]:
            super().update(side, parent, changes, resolve)
        if names := changes.attributes["tag-names"]:
            data = [{"type": "tags", "attributes": {"name": name}} for name in names]
            side.api.send("POST", f"/workspaces/{parent.id}/relationships/tags", {"data": data})


class WorkspaceTeams(TeamAccess):
    """The access of teams to a workspace."""

    name, type, title = WORKSPACE_TEAMS, "team-workspaces", "access of a team to a workspace"
    schema = TeamWorkspaceSchema
    parent = WORKSPACES
    list_path, single_path = "/team-workspaces", "/team-workspaces/{}"
    details = frozenset(
        {
            *("runs", "variables", "state-versions", "sentinel-mocks", "workspace-locking", "run-tasks"),
            "policy-overrides",
        }
    )

    def list_query(self, side: Side, parent: Parent) -> dict[str, str]:  # noqa: ARG002
        """Those of the workspace."""
        return {"filter[workspace][id]": parent.id}

    def place(self, parent: Parent) -> dict[str, Any]:
        """The address does not name the workspace."""
        return {"workspace": {"data": {"type": "workspaces", "id": parent.id}}}


class WorkspaceAccess(Kind):
    """The access list of a workspace."""

    name, type, title = WORKSPACE_ACCESS, "workspace-acl-entries", "entry of an access list"
    schema = WorkspaceAclEntrySchema
    parent = WORKSPACES
    list_path, single_path = "/workspaces/{}/acl", "/workspaces/{parent}/acl/{}"

    def key_of(self, attributes: Mapping[str, Any], references: Mapping[str, Any]) -> Key:  # noqa: ARG002
        """The address of the person."""
        return (str(attributes.get("email")),)

    def references(self, side: Side, parent: Parent, resource: Resource) -> dict[str, Any] | None:  # noqa: ARG002
        """The person, by e-mail address."""
        email = attributes_of(resource).get("email")
        return {"user": [PEOPLE, email]} if email else None


class Notifications(Kind):
    """Notification configurations of a workspace. A new one is switched off: switching it on sends a request there."""

    name, type, title = NOTIFICATIONS, "notification-configurations", "notification configuration"
    schema = NotificationConfigurationSchema
    parent = WORKSPACES
    list_path, single_path = "/workspaces/{}/notification-configurations", "/notification-configurations/{}"
    keys = ("destination-type", "name")
    is_folded = False
    not_carried = frozenset({"token", "email_all_members"})
    only_told = frozenset({"enabled"})
    only_new = frozenset({"destination-type"})
    optional = frozenset({"users"})

    def references(self, side: Side, parent: Parent, resource: Resource) -> dict[str, Any] | None:  # noqa: ARG002
        """The people who get messages, by e-mail address."""
        emails = [side.name_of(each) for each in linkage_of(resource, "users") or []]
        known = [[PEOPLE, email] for email in emails if email]
        return {"users": known} if known else {}


class ProjectNotifications(Notifications):
    """Notification configurations of a project."""

    name = PROJECT_NOTIFICATIONS
    parent = PROJECTS
    list_path = "/projects/{}/notification-configurations"


class Consumers(Kind):
    """Which workspaces may read the state of one, all in one record. None is ever taken away."""

    name, type, title = CONSUMERS, "workspaces", "remote state consumers of workspace"
    schema = WorkspaceSchema
    parent = WORKSPACES
    list_path, single_path = "/workspaces/{}/relationships/remote-state-consumers", ""
    optional = frozenset({"consumers"})

    def read(self, side: Side, parent: Parent) -> Iterator[Record]:
        """One record, or none without consumers."""
        names = [
            side.name_of({"type": self.type, "id": each["id"]}) for each in side.api.every(self.path(side, parent))
        ]
        if found := sorted(name for name in names if name):
            references = {"consumers": [[WORKSPACES, name] for name in found]}
            yield Record(kind=self.name, key=parent.key, references=references, id=parent.id)

    def differences(self, record: Record, found: Record) -> Record | None:
        """Those that are lacking."""
        return lacking_of(record, found, "consumers")

    def create(self, side: Side, parent: Parent, record: Record, resolve: Resolve) -> str:
        """Add all."""
        self.update(side, parent, record, resolve)
        return parent.id

    def update(self, side: Side, parent: Parent, changes: Record, resolve: Resolve) -> None:
        """Add those."""
        add_all(side, self.path(side, parent), changes.references["consumers"], resolve)


def lacking_of(record: Record, found: Record, *names: str) -> Record | None:
    """The references that the one that was found does not have."""
    lacking = {}
    for name in names:
        there = fold(found.references.get(name) or [])
        if missing := [each for each in record.references.get(name) or [] if fold(each) not in there]:
            lacking[name] = missing
    return Record(kind=record.kind, key=record.key, references=lacking, id=found.id) if lacking else None


def add_all(side: Side, path: str, references: list[list[str]], resolve: Resolve) -> None:
    """Add what exists of these to a relationship."""
    ids = [(each[0], identifier) for each in references if (identifier := resolve(each))]
    if ids:
        side.api.send("POST", path, {"data": [{"type": type_, "id": identifier} for type_, identifier in ids]})


class RunTriggers(Kind):
    """The workspaces whose applies start runs of one."""

    name, type, title = RUN_TRIGGERS, "run-triggers", "run trigger"
    schema = RunTriggerSchema
    parent = WORKSPACES
    list_path, single_path = "/workspaces/{}/run-triggers", ""
    query: ClassVar[Mapping[str, str]] = {"filter[run-trigger][type]": "inbound"}

    def key_of(self, attributes: Mapping[str, Any], references: Mapping[str, Any]) -> Key:  # noqa: ARG002
        """The source."""
        return (str(references["sourceable"][1]),)

    def references(self, side: Side, parent: Parent, resource: Resource) -> dict[str, Any] | None:  # noqa: ARG002
        """The source."""
        source = identifier_named(side, resource, "sourceable", WORKSPACES)
        return None if source is None else {"sourceable": source}
