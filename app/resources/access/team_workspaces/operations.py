"""The rules of a team's access to a workspace."""

from collections.abc import Mapping
from typing import Any

from app.models.team_workspaces import TeamWorkspace
from app.resources.access.levels import normalize_details
from app.resources.access.team_workspaces.details import DETAILS


def normalize_access(members: Mapping[str, Any], current: TeamWorkspace | None = None) -> dict[str, Any]:
    """The level and the details to store, from those that were sent."""
    sent = {name: members.get(name.replace("-", "_")) for name in DETAILS}
    given = {name: value for name, value in sent.items() if value is not None}
    return normalize_details(DETAILS, members.get("access"), given, current, "/data/attributes/{}".format)
