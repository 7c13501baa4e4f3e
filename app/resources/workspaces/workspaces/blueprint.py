"""The blueprint that the routes of workspaces share, and their address by organization and name."""

from typing import Any

from flask import Blueprint

from app.authz.permissions import P
from app.persistence import fold_case
from app.web.policy import organization_or_404

blueprint = Blueprint("workspaces", __name__, url_prefix="/api/v2")

# The query parameter of addresses that delete safely unless they are told otherwise.
FORCE = ("force", "true deletes the workspace whatever it manages and whoever has locked it")
BY_NAME = "/organizations/<organization>/workspaces/<name>"


def by_name(organization: str, name: str) -> dict[str, Any]:
    """The conditions for the workspace of an organization with this name."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    return {"organization_id": org.id, "name_lower": fold_case(name)}
