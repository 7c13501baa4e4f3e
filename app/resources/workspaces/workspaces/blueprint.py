"""The blueprint that the routes of workspaces share, and their address by organization and name."""

from typing import Any

from flask import Blueprint

from app.authz.permissions import P
from app.web.context import enter

blueprint = Blueprint("workspaces", __name__, url_prefix="/api/v2")

BY_NAME = "/organizations/<organization>/workspaces/<name>"


def by_name(organization: str, name: str) -> dict[str, Any]:
    """The conditions for the workspace of an organization with this name."""
    home = enter(organization, P.ORGANIZATION_READ)
    return {"organization_id": home.id, "name_lower": name.lower()}
