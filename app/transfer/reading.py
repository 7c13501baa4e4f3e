"""Reading an organization, or one project of it, by an API."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from app.transfer.client import Resource, attributes_of, linkage_of, path_part
from app.transfer.kinds import Kind, Parent
from app.transfer.organization_kinds import (
    Environments,
    Members,
    Projects,
    ProjectTags,
    ProjectTeams,
    RepositoryLinks,
    Teams,
)
from app.transfer.records import PROJECTS, WORKSPACES, Key, Record, TransferError, left_out
from app.transfer.side import Side
from app.transfer.states import address_of, read_states
from app.transfer.varset_kinds import VarsetPlaces, Varsets, VarsetVariables, is_global
from app.transfer.workspace_kinds import (
    Consumers,
    Notifications,
    ProjectNotifications,
    RunTriggers,
    Variables,
    WorkspaceAccess,
    Workspaces,
    WorkspaceTags,
    WorkspaceTeams,
)

Progress = Callable[[str], None]

TEAMS: Final = Teams()
VARSETS: Final = Varsets()
OF_PROJECTS: Final[tuple[Kind, ...]] = (
    ProjectTags(),
    Environments(),
    Members(),
    ProjectTeams(),
    RepositoryLinks(),
    ProjectNotifications(),
)
OF_WORKSPACES: Final[tuple[Kind, ...]] = (
    WorkspaceTags(),
    Variables(),
    WorkspaceTeams(),
    WorkspaceAccess(),
    Notifications(),
)
# They name other workspaces, so they come when all of these are there.
BETWEEN_WORKSPACES: Final[tuple[Kind, ...]] = (Consumers(), RunTriggers())
KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        *(TEAMS, Projects(), *OF_PROJECTS, VARSETS, VarsetVariables(), VarsetPlaces(), Workspaces()),
        *OF_WORKSPACES,
        *BETWEEN_WORKSPACES,
    )
}


class Reading:
    """Reads what there is by an API: all of the organization, or one project."""

    def __init__(self, side: Side, *, project: Resource | None = None, progress: Progress = lambda _text: None) -> None:
        """Nothing is asked yet."""
        self._side = side
        self._project = project
        self._progress = progress
        self._places: dict[str, list[tuple[Key, str]]] = {PROJECTS: [], WORKSPACES: []}
        self._applied: list[Record] = []
        self._own_names: set[str] | None = None

    def records(self) -> Iterator[Record]:
        """All records, those first that others refer to."""
        self._places = {PROJECTS: [], WORKSPACES: []}
        self._applied = []
        self._own_names = None
        if self._project is None:
            self._progress("teams")
            yield from TEAMS.read(self._side, Parent())
        else:
            yield from self._teams_of_project()
        yield from self._projects()
        yield from self._varsets()
        yield from self._workspaces()
        yield from self._between()

    @contextmanager
    def state(self, version: Mapping[str, Any]) -> Iterator[Iterator[bytes]]:
        """The bytes of a state version."""
        address = address_of(self._side, version)
        if address is None:
            raise TransferError(f"The state of {version['workspace']} with serial {version['serial']} is gone.")
        with self._side.api.download(address) as pieces:
            yield pieces

    def _teams_of_project(self) -> Iterator[Record]:
        """Teams with access to the project: they belong to the organization, and are never made or changed."""
        assert self._project is not None
        wanted = {record.references["team"][1] for record in ProjectTeams().read(self._side, _parent(self._project))}
        for workspace in self._listed_workspaces():
            wanted |= {each.references["team"][1] for each in WorkspaceTeams().read(self._side, _parent(workspace))}
        for record in TEAMS.read(self._side, Parent()) if wanted else ():
            if record.key[0] in wanted:
                yield replace(record, is_shared=True)

    def _projects(self) -> Iterator[Record]:
        kind = KINDS[PROJECTS]
        self._progress("projects")
        found = [self._project] if self._project is not None else self._side.api.every(kind.path(self._side, Parent()))
        for resource in found:
            record = kind.record(self._side, Parent(), resource)
            assert record is not None
            yield record
            self._places[PROJECTS].append((record.key, record.id))
            parent = Parent(record.key, record.id, resource)
            for each in OF_PROJECTS:
                yield from each.read(self._side, parent)

    def _varsets(self) -> Iterator[Record]:
        """The sets; those of the organization are shared by a project that is carried alone."""
        self._progress("variable sets")
        for resource in self._side.api.every(VARSETS.path(self._side, Parent())):
            record = VARSETS.record(self._side, Parent(), resource)
            if record is None:
                continue
            parent = Parent(record.key, record.id, resource)
            places = next(VarsetPlaces().read(self._side, parent), None)
            if self._project is not None:
                places = self._within_project(places)
                if "parent" not in record.references:
                    if is_global(resource):
                        yield left_out("the set is global: it belongs to the organization", VARSETS.title, record.name)
                    elif places is not None:
                        yield self._shared(record, parent)
                        self._applied.append(places)
                    continue
                if record.references["parent"][1] != attributes_of(self._project)["name"]:
                    continue
            yield record
            yield from VarsetVariables().read(self._side, parent)
            if places is not None:
                self._applied.append(places)

    def _shared(self, record: Record, parent: Parent) -> Record:
        found = VarsetVariables().read(self._side, parent)
        return replace(
            record, is_shared=True, attributes={**record.attributes, "vars": [each.attributes for each in found]}
        )

    def _within_project(self, places: Record | None) -> Record | None:
        """Where the set applies within the project."""
        if places is None:
            return None
        name = attributes_of(self._project or {})["name"]
        if self._own_names is None:
            self._own_names = {str(attributes_of(each)["name"]) for each in self._listed_workspaces()}
        within = {
            "projects": [each for each in places.references.get("projects", ()) if each[1] == name],
            "workspaces": [each for each in places.references.get("workspaces", ()) if each[1] in self._own_names],
        }
        kept = {relationship: found for relationship, found in within.items() if found}
        return replace(places, references=kept) if kept else None

    def _workspaces(self) -> Iterator[Record]:
        kind = KINDS[WORKSPACES]
        for number, resource in enumerate(self._listed_workspaces(), 1):
            record = kind.record(self._side, Parent(), resource)
            assert record is not None
            self._progress(f"workspace {number}: {record.name}")
            yield record
            yield from _not_carried(record, resource)
            self._places[WORKSPACES].append((record.key, record.id))
            parent = Parent(record.key, record.id, resource)
            for each in OF_WORKSPACES:
                yield from each.read(self._side, parent)
            states = read_states(self._side, parent)
            if states is not None:
                yield states

    def _listed_workspaces(self) -> Iterator[Resource]:
        query = {} if self._project is None else {"filter[project][id]": str(self._project["id"])}
        return self._side.api.every(f"{self._side.path}/workspaces", query)

    def _between(self) -> Iterator[Record]:
        yield from self._applied
        for key, identifier in self._places[WORKSPACES]:
            for kind in BETWEEN_WORKSPACES:
                yield from kind.read(self._side, Parent(key, identifier))


def _parent(resource: Resource) -> Parent:
    return Parent((str(attributes_of(resource)["name"]),), str(resource["id"]), resource)


def _not_carried(record: Record, resource: Resource) -> Iterator[Record]:
    attributes = attributes_of(resource)
    place = ("workspace", record.name)
    if attributes.get("vcs-repo"):
        yield left_out("the connection to version control: upload configurations, or let a pipeline do it", *place)
    if linkage_of(resource, "ssh-key"):
        yield left_out("the SSH key: keys are never shown; add it and assign it to the workspace", *place)
    if attributes.get("auto-destroy-at") and not attributes.get("auto-destroy-activity-duration"):
        yield left_out(f"the time of its destruction, {attributes['auto-destroy-at']}: set it there", *place)
    if attributes.get("avatar-url"):
        yield left_out("its picture", *place)


def find_project(side: Side, name: str) -> Resource:
    """The project with this id or name."""
    found = side.api.find(f"/projects/{path_part(name)}")
    if found is not None:
        return dict(found["data"])
    identifier = side.id_of(PROJECTS, (name,))
    if identifier is None:
        raise TransferError(f"There is no project {name} in the organization {side.organization}.")
    return dict(side.api.get(f"/projects/{identifier}")["data"])
