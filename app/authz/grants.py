"""Grants: the permissions of a caller, by the level and id on which they were granted."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from app.authz.permissions import P
from app.authz.policy import Level, allowed_at

NOTHING: frozenset[P] = frozenset()

SITE = "site"
"""The only target of the site level."""


EVERYBODY = "everybody"
"""The only target of the public level."""


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a grant: the JSON:API type and id of a resource, and the role, level or flag in it."""

    type: str
    id: str
    role: str | None = None


class Grants:
    """Everything that was granted to one caller, by level and id.

    A grant gives a permission only if the policy allows that permission at its level. So a custom project access never
    gives a permission on the organization, whatever it lists.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        """Begin without any grant."""
        self._held: dict[Level, dict[str, frozenset[P]]] = defaultdict(dict)

    def add(self, level: Level, target: str, permissions: frozenset[P], source: Source) -> None:
        """Grant the permissions on the target, in addition to what was granted on it before."""
        self.add_each(level, (target,), permissions, source)

    def add_each(self, level: Level, targets: Iterable[str], permissions: frozenset[P], source: Source) -> None:  # noqa: ARG002
        """Grant the permissions on each of the targets; there may be thousands.

        The source is not stored here, only by ``GrantsWithSources``.
        """
        held = self._held[level]
        permissions = allowed_at(level, permissions)
        for target in targets:
            before = held.get(target)
            held[target] = permissions if before is None else before | permissions

    def at(self, level: Level, target: str | None) -> frozenset[P]:
        """The permissions that are granted on exactly this target."""
        held = self._held.get(level)
        return held.get(target, NOTHING) if held and target is not None else NOTHING

    def by_target(self, level: Level) -> Mapping[str | None, frozenset[P]]:
        """The permissions that are granted at this level, by target."""
        return cast("Mapping[str | None, frozenset[P]]", self._held.get(level, {}))

    def targets(self, level: Level, permission: P) -> list[str]:
        """The ids at this level on which the permission is granted."""
        held: Mapping[str, frozenset[P]] = self._held.get(level) or {}
        return [target for target, permissions in held.items() if permission in permissions]

    def has_targets(self, level: Level, permission: P) -> bool:
        """Whether the permission is granted on anything at this level."""
        held: Mapping[str, frozenset[P]] = self._held.get(level) or {}
        return any(permission in permissions for permissions in held.values())

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels at which anything is granted."""
        return tuple(self._held)


@dataclass(frozen=True, slots=True)
class Grant:
    """One grant with its source."""

    level: Level
    target: str
    permissions: frozenset[P]
    source: Source


class GrantsWithSources(Grants):
    """Grants with their sources. They are slower, and only used to explain a decision."""

    __slots__ = ("traced",)

    def __init__(self) -> None:
        """Begin without any grant."""
        super().__init__()
        self.traced: list[Grant] = []

    def add_each(self, level: Level, targets: Iterable[str], permissions: frozenset[P], source: Source) -> None:
        """Grant the permissions, and store the source."""
        targets = tuple(targets)
        super().add_each(level, targets, permissions, source)
        self.traced += [Grant(level, target, allowed_at(level, permissions), source) for target in targets]


__all__ = ["EVERYBODY", "SITE", "Grant", "Grants", "GrantsWithSources", "Level", "Source"]
