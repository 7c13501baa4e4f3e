"""Variable sets, their variables, and where they apply."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.resources.workspaces.varsets.schema import VarsetSchema
from app.transfer.client import Resource, attributes_of, linkage_of
from app.transfer.kinds import Kind, Parent, Resolve, identifier_named
from app.transfer.records import PROJECTS, VARSET_PLACES, VARSET_VARIABLES, VARSETS, WORKSPACES, Key, Record
from app.transfer.side import Side
from app.transfer.workspace_kinds import Variables, add_all, lacking_of

PLACES: Final = {"workspaces": WORKSPACES, "projects": PROJECTS}


class Varsets(Kind):
    """Variable sets, of an organization or of a project. The first part of the key is the project."""

    name, type, title = VARSETS, "varsets", "variable set"
    schema = VarsetSchema
    list_path, single_path = "/varsets", "/varsets/{}"
    is_folded = False

    def key_of(self, attributes: Mapping[str, Any], references: Mapping[str, Any]) -> Key:
        """The owner and the name."""
        owner = references.get("parent")
        return (str(owner[1]) if owner else "", str(attributes["name"]))

    def references(self, side: Side, parent: Parent, resource: Resource) -> dict[str, Any] | None:  # noqa: ARG002
        """The project that owns it."""
        owner = linkage_of(resource, "parent")
        if not owner or owner.get("type") != "projects":
            return {}
        project = identifier_named(side, resource, "parent", PROJECTS)
        return None if project is None else {"parent": project}

    def create(self, side: Side, parent: Parent, record: Record, resolve: Resolve) -> str:
        """A set that is shared comes with all its variables at once: it is never looked at again."""
        if "vars" not in record.attributes:
            return super().create(side, parent, record, resolve)
        attributes = {name: value for name, value in record.attributes.items() if name != "vars" and value is not None}
        document = self.document(parent, attributes, record.references, resolve)
        known = [each for each in record.attributes["vars"] if each.get("value") is not None]
        document["data"]["relationships"]["vars"] = {"data": [{"type": "vars", "attributes": each} for each in known]}
        return str(side.api.send("POST", self.path(side, parent), document)["data"]["id"])


class VarsetVariables(Variables):
    """The variables of a set."""

    name, title = VARSET_VARIABLES, "variable"
    parent = VARSETS
    list_path, single_path = "/varsets/{}/relationships/vars", "/varsets/{parent}/relationships/vars/{}"
    owner = "varset_id"


class VarsetPlaces(Kind):
    """The workspaces and projects that a set applies to, in one record. None is ever taken away."""

    name, type, title = VARSET_PLACES, "varsets", "places of variable set"
    schema = VarsetSchema
    parent = VARSETS
    list_path, single_path = "/varsets/{}", ""
    is_folded = False
    optional = frozenset(PLACES)

    def read(self, side: Side, parent: Parent) -> Iterator[Record]:
        """One record, or none if it applies nowhere."""
        document = side.api.find(self.list_path.format(parent.id))
        if document is None:
            return
        found: dict[str, Any] = {}
        for relationship, kind in PLACES.items():
            names = [side.name_of(each) for each in linkage_of(document["data"], relationship) or []]
            if known := sorted(name for name in names if name):
                found[relationship] = [[kind, name] for name in known]
        if found:
            yield Record(kind=self.name, key=parent.key, references=found, id=parent.id)

    def differences(self, record: Record, found: Record) -> Record | None:
        """Those that are lacking."""
        return lacking_of(record, found, *PLACES)

    def create(self, side: Side, parent: Parent, record: Record, resolve: Resolve) -> str:
        """Add all."""
        self.update(side, parent, record, resolve)
        return parent.id

    def update(self, side: Side, parent: Parent, changes: Record, resolve: Resolve) -> None:
        """Add those."""
        for relationship in PLACES:
            if references := changes.references.get(relationship):
                add_all(side, f"/varsets/{parent.id}/relationships/{relationship}", references, resolve)


def is_global(resource: Resource) -> bool:
    """Whether the set applies to all workspaces of the organization."""
    return bool(attributes_of(resource).get("global"))
