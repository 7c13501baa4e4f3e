"""Grants: which permissions somebody holds, on what."""

from collections import defaultdict
from collections.abc import Mapping

from app.authz.permissions import P
from app.authz.policy import Level, allowed_at

NOTHING: frozenset[P] = frozenset()


class Grants:
    """The union of everything that was granted to one caller, by level and id.

    A grant at a level that the policy does not name for a permission gives nothing: a custom project access, say,
    can never reach the organization, whatever it lists.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        """Nobody holds anything until it is added."""
        self._held: dict[Level, dict[str, frozenset[P]]] = defaultdict(dict)

    def add(self, level: Level, target: str, permissions: frozenset[P]) -> None:
        """Grant the permissions on the target, beside what is already granted on it."""
        held = self._held[level]
        permissions = allowed_at(level, permissions)
        held[target] = held[target] | permissions if target in held else permissions

    def at(self, level: Level, target: str | None) -> frozenset[P]:
        """What is granted on exactly this target."""
        held = self._held.get(level)
        return held.get(target, NOTHING) if held and target is not None else NOTHING

    def targets(self, level: Level, permission: P) -> list[str]:
        """The ids at this level on which the permission is granted."""
        held: Mapping[str, frozenset[P]] = self._held.get(level) or {}
        return [target for target, permissions in held.items() if permission in permissions]

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels at which anything is granted."""
        return tuple(self._held)


SITE = "site"
"""The one target of the site level."""

__all__ = ["SITE", "Grants", "Level"]
