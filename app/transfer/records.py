"""What is carried: each thing as a record, named by what it is called and not by its id."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Protocol

Key = tuple[str, ...]
Reference = list[str]
"""The kind of a record, then the parts of its key."""

# The kind of a record that says what is not carried.
LEFT_OUT: Final = "left-out"
TEAMS: Final = "teams"
PROJECTS: Final = "projects"
PROJECT_TAGS: Final = "project-tags"
ENVIRONMENTS: Final = "environments"
MEMBERS: Final = "project-members"
PROJECT_TEAMS: Final = "project-teams"
REPOSITORY_LINKS: Final = "repository-links"
PROJECT_NOTIFICATIONS: Final = "project-notifications"
VARSETS: Final = "varsets"
VARSET_VARIABLES: Final = "varset-variables"
VARSET_PLACES: Final = "varset-places"
WORKSPACES: Final = "workspaces"
VARIABLES: Final = "variables"
WORKSPACE_TAGS: Final = "workspace-tags"
WORKSPACE_TEAMS: Final = "workspace-teams"
WORKSPACE_ACCESS: Final = "workspace-access"
NOTIFICATIONS: Final = "workspace-notifications"
STATES: Final = "states"
CONSUMERS: Final = "remote-state-consumers"
RUN_TRIGGERS: Final = "run-triggers"
# Not carried themselves, but other records name them.
PEOPLE: Final = "people"
AGENT_POOLS: Final = "agent-pools"


class TransferError(Exception):
    """Something can't be exported or imported. The text is one sentence for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One thing: its names, its attributes as in documents of the API, and what it refers to, by relationship.

    The key begins with the key of what it is part of. One that ``is_shared`` belongs to the organization rather than to
    the project that is carried: it is never changed where it exists.
    """

    kind: str
    key: Key
    attributes: dict[str, Any] = field(default_factory=dict)
    references: dict[str, Any] = field(default_factory=dict)
    id: str = ""
    is_shared: bool = False

    def as_json(self) -> dict[str, Any]:
        """For an archive."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Record":
        """What ``as_json`` gave."""
        return cls(
            kind=str(content["kind"]),
            key=tuple(map(str, content["key"])),
            attributes=dict(content["attributes"]),
            references=dict(content["references"]),
            id=str(content["id"]),
            is_shared=bool(content["is_shared"]),
        )

    @property
    def name(self) -> str:
        """The key, for people."""
        return "/".join(part for part in self.key if part)


class Source(Protocol):
    """Where records come from, in an order in which each can be made: an archive, or another service."""

    def records(self) -> Iterator[Record]:
        """All records, those first that others refer to."""

    def state(self, version: Mapping[str, Any]) -> AbstractContextManager[Iterator[bytes]]:
        """The bytes of one of the ``versions`` of a record of states."""


def left_out(text: str, *key: str) -> Record:
    """Says what is not carried, and what to do about it."""
    return Record(kind=LEFT_OUT, key=key, attributes={"text": text})
