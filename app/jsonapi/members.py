"""The members that a schema takes from a resource object: how they may be spelled, and which are refused as unknown.

The service's own resources refuse what they do not know: a misspelt limit of a role would otherwise give the whole
project. HCP Terraform's resources ignore it, because clients of HCP Terraform send attributes that are newer than this
service.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal

from app.jsonapi.errors import ApiError, InvalidAttribute, humanized

GroupName = Literal["attributes", "relationships"]

# The types of HCP Terraform's API. Whatever has another type is Groundplan's own.
HCP_TYPES: Final = frozenset(
    {
        "agent-pools",
        "agents",
        "applies",
        "assessment-results",
        "authentication-tokens",
        "comments",
        "configuration-versions",
        "effective-tag-bindings",
        "notification-configurations",
        "organization-memberships",
        "organization-token-ttl-policies",
        "organizations",
        "plans",
        "policies",
        "policy-evaluations",
        "policy-set-outcomes",
        "policy-sets",
        "projects",
        "recoverable-items",
        "reserved-tag-keys",
        "run-triggers",
        "runs",
        "ssh-keys",
        "state-version-outputs",
        "state-versions",
        "tag-bindings",
        "tags",
        "task-result-outcomes",
        "task-results",
        "task-stages",
        "tasks",
        "team-projects",
        "team-workspaces",
        "teams",
        "users",
        "vars",
        "varsets",
        "workspace-tasks",
        "workspaces",
    }
)

# Beside those that have a meaning of their own in a request.
_OF_DOCUMENT: Final = frozenset({"data", "included", "jsonapi", "links", "meta"})
_OF_RESOURCE: Final = frozenset({"attributes", "id", "lid", "links", "meta", "relationships", "type"})
NAMED_AT_MOST = 20
NAME_LENGTH = 100


class UnknownMember(InvalidAttribute):
    """A document of a resource that HCP Terraform does not have names something that can't be set there."""

    code = "unknown-member"


@dataclass(frozen=True, slots=True)
class Group:
    """The attributes or the relationships of a schema, by their names in documents.

    ``also_named`` maps further names to them. Those in ``unsettable`` are known, and ignored unless they are set
    ``elsewhere``: at another address for the same type, so that a client may believe that they count here, too.
    """

    name: GroupName
    settable: frozenset[str]
    unsettable: frozenset[str]
    also_named: Mapping[str, str]
    elsewhere: frozenset[str] = frozenset()

    @property
    def known(self) -> frozenset[str]:
        """All names."""
        return self.settable | self.unsettable

    def name_of(self, spelling: str) -> str | None:
        """The name that is meant: ``_`` and ``-`` are the same, as in HCP Terraform's own samples."""
        if spelling in self.settable or spelling in self.unsettable:
            return spelling
        wanted = spelling.replace("_", "-")
        if wanted in self.also_named:
            return self.also_named[wanted]
        return _dashed(self.known).get(wanted)


@cache
def _dashed(names: frozenset[str]) -> Mapping[str, str]:
    # Made once for each schema: a document may have very many unknown names.
    return {name.replace("_", "-"): name for name in names}


@dataclass(slots=True)
class Sent:
    """The members of one group in a document: by their names, how they were spelled, and what is wrong with them."""

    group: Group
    members: dict[str, Any] = field(default_factory=dict)
    spellings: dict[str, str] = field(default_factory=dict)
    faults: list[ApiError] = field(default_factory=list)

    def pointed(self, pointer: str) -> str:
        """The pointer to a member, as the client has spelled it."""
        prefix = f"/data/{self.group.name}/"
        name, slash, rest = pointer.removeprefix(prefix).partition("/")
        if not pointer.startswith(prefix) or name not in self.spellings:
            return pointer
        return f"{prefix}{escaped(self.spellings[name])}{slash}{rest}"


def read_group(group: Group, sent: Mapping[str, Any], *, is_own: bool) -> Sent:
    """The members that the schema knows. Unknown ones are faults if the resource is Groundplan's own."""
    found = Sent(group)
    for spelling, value in sent.items():
        name = group.name_of(spelling)
        if name is None or (name in group.elsewhere and is_own):
            if is_own:
                found.faults.append(_unknown(group, spelling))
        elif name in found.members:
            found.faults.append(InvalidAttribute(f"{humanized(name)} is sent twice", pointer=_pointer(group, spelling)))
        else:
            found.members[name] = value
            if spelling != name:
                found.spellings[name] = spelling
    del found.faults[NAMED_AT_MOST:]
    return found


def unknown_around(document: Mapping[str, Any], item: Mapping[str, Any]) -> Iterator[ApiError]:
    """A fault for each unknown member of the document itself, and of its resource object beside the two groups."""
    yield from _strangers(document, _OF_DOCUMENT, "", "the document, beside data")
    yield from _strangers(item, _OF_RESOURCE, "/data", "data, beside attributes and relationships")


def _strangers(members: Iterable[str], known: frozenset[str], pointer: str, where: str) -> Iterator[ApiError]:
    strangers = [name for name in members if name not in known]
    for name in strangers[:NAMED_AT_MOST]:
        at = f"{pointer}/{escaped(name)}" if len(name) <= NAME_LENGTH else pointer
        yield UnknownMember(f"{_cut(name)} can't be sent as a member of {where}; put it where it belongs", pointer=at)


def _unknown(group: Group, spelling: str) -> ApiError:
    there = ", ".join(sorted(group.settable)) or "none"
    kind = group.name.removesuffix("s")
    return UnknownMember(
        f"{_cut(spelling)} is no {kind} that can be set here; those that can be set: {there}",
        pointer=_pointer(group, spelling),
    )


def _pointer(group: Group, spelling: str) -> str:
    return f"/data/{group.name}/{escaped(spelling)}" if len(spelling) <= NAME_LENGTH else f"/data/{group.name}"


def _cut(name: str) -> str:
    return name if len(name) <= NAME_LENGTH else f"{name[:NAME_LENGTH]}…"


def escaped(name: str) -> str:
    """The name as one part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")
