"""The levels of a team's access and their details, for access to projects and to workspaces."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jsonapi import Json
from app.jsonapi.errors import Invalid, InvalidAttribute, NotFound, humanized
from app.models.teams import Team

Value = str | bool
FLAG = (False, True)
"""The values of a detail that is a boolean."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One detail of an access: its possible values, and its value at each level.

    ``by_level`` has the value at each level except ``custom``; ``custom`` is the default in a custom access.
    """

    values: tuple[Value, ...]
    by_level: Mapping[str, Value]
    custom: Value

    def read(self, value: Json) -> Value:
        """The value that was sent, if it is one of the possible ones."""
        if self.values == FLAG and not isinstance(value, bool):
            raise ValidationError("must be true or false")
        if self.values != FLAG and (not isinstance(value, str) or value not in self.values):
            raise ValidationError("is not included in the list")
        chosen: Value = value
        return chosen


def details_in_force(
    all_details: Mapping[str, Detail], access: str, details: Mapping[str, Any] | None
) -> dict[str, Value]:
    """The values of all details for an access with this level and, if it is custom, these details."""
    if access != "custom":
        return {name: detail.by_level[access] for name, detail in all_details.items()}
    known = details or {}
    return {name: known.get(name, detail.custom) for name, detail in all_details.items()}


def normalize_details(
    all_details: Mapping[str, Detail],
    access: str | None,
    given: Mapping[str, Value],
    current: Any,  # noqa: ANN401 - an access of either kind, None for a new one
    pointer: Callable[[str], str],
) -> dict[str, Any]:
    """The level and the details to store, from those that were sent. Only the custom level has stored details.

    An access that becomes custom starts with the details of its earlier level. ``pointer`` returns the pointer to a
    detail in the document.
    """
    level = access or (current.access if current else None)
    if level != "custom":
        if given:
            raise Invalid(_read_only(name, level, pointer(name)) for name in given)
        return {"access": level, "details": None}
    before = (current.access, current.details) if current else ("custom", None)
    return {"access": level, "details": {**details_in_force(all_details, *before), **given}}


def team_in_organization(session: Session, team_id: str, organization_id: str) -> Team:
    """The team that is to get access; 404 if it is not in the organization."""
    team = session.scalars(
        select(Team).where(Team.id == team_id, Team.organization_id == organization_id),
    ).one_or_none()
    if team is None:
        raise NotFound
    return team


def _read_only(name: str, access: str | None, pointer: str) -> InvalidAttribute:
    return InvalidAttribute(
        f"{humanized(name)} is read-only when access level is '{access}'; "
        "use the 'custom' access level to set this attribute.",
        pointer=pointer,
    )
