"""The blueprint that the routes of state versions share. The objects themselves are not below the API's address."""

from typing import Final

from flask import Blueprint

blueprint: Final = Blueprint("state_versions", __name__)

API: Final = "/api/v2"
OF_WORKSPACE: Final = f"{API}/workspaces/<workspace_id>"
