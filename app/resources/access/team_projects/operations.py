"""The rules of a team's access to a project."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jsonapi.errors import Invalid, InvalidAttribute, NotFound, humanized
from app.models.projects import Project
from app.models.team_projects import TeamProject
from app.models.teams import Team
from app.resources.access.team_projects.details import PROJECT_DETAILS, expanded


def normalize_details(members: Mapping[str, Any], current: TeamProject | None = None) -> dict[str, Any]:
    """The level and the details to store, from what was sent. Details belong to the custom level only.

    An access that becomes custom begins with the details of its earlier level.
    """
    given = (members.get("project_access") or {}) | (members.get("workspace_access") or {})
    access = members.get("access", current.access if current else None)
    if access != "custom":
        if given:
            raise Invalid(_read_only(name, access) for name in given)
        return {"access": access, "details": None}
    kept = expanded(current.access, current.details) if current else expanded("custom", None)
    return {"access": access, "details": kept | given}


def team_for(session: Session, team_id: str, project: Project) -> Team:
    """The team that is to get access to the project; it must be one of the same organization."""
    team = session.scalars(
        select(Team).where(Team.id == team_id, Team.organization_id == project.organization_id),
    ).one_or_none()
    if team is None:
        raise NotFound
    return team


def _read_only(name: str, access: str | None) -> InvalidAttribute:
    group = "project-access" if name in PROJECT_DETAILS else "workspace-access"
    return InvalidAttribute(
        f"{humanized(name)} is read-only when access level is '{access}'; "
        "use the 'custom' access level to set this attribute.",
        pointer=f"/data/attributes/{group}/{name}",
    )
