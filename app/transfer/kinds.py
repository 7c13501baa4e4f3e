"""How each kind of record is read, compared and written by the API."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Final

from app.jsonapi.schema import Schema, settable_attributes
from app.transfer.client import Resource, attributes_of, linkage_of
from app.transfer.records import Key, Record, Reference
from app.transfer.side import Side

Resolve = Callable[[Reference], str | None]
"""The id of what a reference names; None if it does not exist (yet)."""

EVERYTHING: Final[Key] = ()
# Attributes with several settings, each of which may be sent alone.
OBJECTS: Final = frozenset({"organization-access", "project-access", "workspace-access", "setting-overwrites"})


class Parent:
    """What a record is part of, where it is: the organization has no id and an empty key."""

    def __init__(self, key: Key = EVERYTHING, identifier: str = "", resource: Resource | None = None) -> None:
        self.key = key
        self.id = identifier
        self.resource = resource or {}


class Kind:
    """A kind of record that is a resource of its own."""

    schema: ClassVar[type[Schema]]
    name: ClassVar[str]
    type: ClassVar[str]
    title: ClassVar[str]
    parent: ClassVar[str | None] = None
    # Below the organization, or below the parent's id.
    list_path: ClassVar[str]
    # What a single one is changed at.
    single_path: ClassVar[str]
    keys: ClassVar[tuple[str, ...]] = ("name",)
    # Whether names that differ in upper and lower case alone are the same.
    is_folded: ClassVar[bool] = True
    # Attributes that are not carried, though they can be set; and those that only a new one accepts.
    not_carried: ClassVar[frozenset[str]] = frozenset()
    only_new: ClassVar[frozenset[str]] = frozenset()
    # Attributes that are told, and never set: what they mean needs a person's hand.
    only_told: ClassVar[frozenset[str]] = frozenset()
    query: ClassVar[Mapping[str, str]] = {}
    # References without which it can be made all the same.
    optional: ClassVar[frozenset[str]] = frozenset()

    def read(self, side: Side, parent: Parent) -> Iterator[Record]:
        """Those of the parent, in their order."""
        for resource in side.api.every(self.path(side, parent), self.list_query(side, parent)):
            record = self.record(side, parent, resource)
            if record is not None:
                yield record

    def path(self, side: Side, parent: Parent) -> str:
        """Where they are listed, and made."""
        return f"{side.path}{self.list_path}" if self.parent is None else self.list_path.format(parent.id)

    def list_query(self, side: Side, parent: Parent) -> dict[str, str]:  # noqa: ARG002 - for others
        """The query of the list."""
        return dict(self.query)

    def record(self, side: Side, parent: Parent, resource: Resource) -> Record | None:
        """The record of a resource; None if it is not carried."""
        attributes = self.carried_attributes(resource)
        references = self.references(side, parent, resource)
        if references is None:
            return None
        key = (*parent.key, *self.key_of(attributes_of(resource), references))
        return Record(kind=self.name, key=key, attributes=attributes, references=references, id=str(resource["id"]))

    def carried_attributes(self, resource: Resource) -> dict[str, Any]:
        """The attributes of the resource that are carried."""
        names = settable_attributes(self.schema) - self.not_carried
        return {name: value for name, value in attributes_of(resource).items() if name in names}

    def key_of(self, attributes: Mapping[str, Any], references: Mapping[str, Any]) -> Key:  # noqa: ARG002 - for others
        """The last parts of the key."""
        return tuple(str(attributes.get(name) or "") for name in self.keys)

    def references(self, side: Side, parent: Parent, resource: Resource) -> dict[str, Any] | None:  # noqa: ARG002
        """What it refers to; None if it is not carried because that can't be named."""
        return {}

    def differences(self, record: Record, found: Record) -> Record | None:
        """What is to be changed of the one that was found; None if nothing is."""
        attributes = {
            name: value
            for name, value in record.attributes.items()
            if name not in self.only_new | self.only_told and not _means_same(name, value, found.attributes.get(name))
        }
        references = {
            name: value for name, value in record.references.items() if not _are_same(value, found.references.get(name))
        }
        if not attributes and not references:
            return None
        return Record(kind=self.name, key=record.key, attributes=attributes, references=references, id=found.id)

    def create(self, side: Side, parent: Parent, record: Record, resolve: Resolve) -> str:
        """Make a new one; its id."""
        attributes = {
            name: value for name, value in record.attributes.items() if value is not None and name not in self.only_told
        }
        document = self.document(parent, attributes, record.references, resolve)
        made = side.api.send("POST", self.path(side, parent), document)
        return str(made["data"]["id"])

    def update(self, side: Side, parent: Parent, changes: Record, resolve: Resolve) -> None:
        """Change one that is there."""
        document = self.document(parent, changes.attributes, changes.references, resolve)
        document["data"]["id"] = changes.id
        side.api.send("PATCH", self.single_path.format(changes.id, parent=parent.id), document)

    def document(
        self, parent: Parent, attributes: Mapping[str, Any], references: Mapping[str, Any], resolve: Resolve
    ) -> dict[str, Any]:
        """The document that makes or changes one."""
        relationships = {name: {"data": _linkage(value, resolve)} for name, value in references.items()}
        relationships |= self.place(parent)
        return {"data": {"type": self.type, "attributes": dict(attributes), "relationships": relationships}}

    def place(self, parent: Parent) -> dict[str, Any]:  # noqa: ARG002 - for others
        """The relationship to what it is part of, if the address does not say so."""
        return {}


def _linkage(value: Any, resolve: Resolve) -> Any:  # noqa: ANN401 - JSON
    if value is None:
        return None
    if value and isinstance(value[0], list):
        return [each for reference in value if (each := _linkage(reference, resolve)) is not None]
    if not value:
        return []
    identifier = resolve(value)
    return identifier and {"type": TYPES.get(value[0], value[0]), "id": identifier}


TYPES: Final = {"people": "users"}
"""The types of those kinds that are not called like their type."""


def _means_same(name: str, wanted: Any, there: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether two values of an attribute mean the same. What is not said is not changed."""
    if name in OBJECTS and isinstance(wanted, dict) and isinstance(there, dict):
        return all(there.get(each) == value for each, value in wanted.items())
    return wanted == there or (wanted in (None, "") and there in (None, "", False))


def _are_same(wanted: Any, there: Any) -> bool:  # noqa: ANN401 - JSON
    return bool(fold(wanted) == fold(there))


def fold(value: Any) -> Any:  # noqa: ANN401 - JSON
    """References without regard to case and order."""
    if isinstance(value, list):
        each = [fold(item) for item in value]
        return sorted(each) if each and isinstance(each[0], list) else each
    return value.casefold() if isinstance(value, str) else value


def identifier_named(side: Side, resource: Resource, relationship: str, kind: str) -> Reference | None:
    """A reference to what the relationship links to; None if it links to nothing that can be named."""
    name = side.name_of(linkage_of(resource, relationship))
    return None if name is None else [kind, name]
