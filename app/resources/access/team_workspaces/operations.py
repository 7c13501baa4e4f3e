"""The rules of a team's access to a workspace."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Invalid, InvalidAttribute, NotFound, humanized
from app.models.team_workspaces import TeamWorkspace
from app.models.teams import Team
from app.resources.access.team_workspaces.details import DETAILS, expanded


def normalize_details(members: Mapping[str, Any], current: TeamWorkspace | None = None) -> dict[str, Any]:
    """The level and the details to store, from what was sent. Details belong to the custom level only.

    An access that becomes custom begins with the details of its earlier level.
    """
    sent = {name: members.get(name.replace("-", "_")) for name in DETAILS}
    given = {name: value for name, value in sent.items() if value is not None}
    access = members.get("access", current.access if current else None)
    if access != "custom":
        if given:
            raise Invalid(_read_only(name, access) for name in given)
        return {"access": access, "details": None}
    kept = expanded(current.access, current.details) if current else expanded("custom", None)
    return {"access": access, "details": kept | given}


def team_of(session: Session, team_id: str, organization_id: str) -> Team:
    """The team of the organization that is to get access."""
    team = session.scalars(
        select(Team).where(Team.id == team_id, Team.organization_id == organization_id),
    ).one_or_none()
    if team is None:
        raise NotFound
    return team


def _read_only(name: str, access: str | None) -> InvalidAttribute:
    return InvalidAttribute(
        f"{humanized(name)} is read-only when access level is '{access}'; "
        "use the 'custom' access level to set this attribute.",
        pointer=f"/data/attributes/{name}",
    )
