"""The rules of a team's access to a project."""

from collections.abc import Mapping
from typing import Any

from app.jsonapi.errors import Forbidden
from app.models.team_projects import TeamProject
from app.resources.access.levels import normalize_details
from app.resources.access.team_projects.details import DETAILS, PROJECT_DETAILS


class AboveOwnRights(Forbidden):
    """Nobody gives a team more rights than they have."""

    code = "above-own-rights"
    pointer = "/data/attributes/access"
    detail = "You can't give a team rights on the project that you don't have yourself"


def normalize_access(members: Mapping[str, Any], current: TeamProject | None = None) -> dict[str, Any]:
    """The level and the details to store, from those that were sent."""
    given = (members.get("project_access") or {}) | (members.get("workspace_access") or {})
    return normalize_details(DETAILS, members.get("access"), given, current, _pointer)


def _pointer(name: str) -> str:
    group = "project-access" if name in PROJECT_DETAILS else "workspace-access"
    return f"/data/attributes/{group}/{name}"
