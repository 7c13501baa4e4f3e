"""The blueprint that the routes of state versions share. The objects themselves are not below the API's address."""

from typing import Final

from flask import Blueprint, Response, request

blueprint: Final = Blueprint("state_versions", __name__)

API: Final = "/api/v2"
OF_WORKSPACE: Final = f"{API}/workspaces/<workspace_id>"

# How many seconds apart the terraform CLI saves what it has so far during a long apply, so that little is lost when it
# dies: as often as it is ready to. Without the header it saves once, at the end.
SNAPSHOT_INTERVAL: Final = "20"
SNAPSHOT_ADDRESSES: Final = {
    ("GET", f"{OF_WORKSPACE}/current-state-version"),
    ("POST", f"{OF_WORKSPACE}/state-versions"),
}


@blueprint.after_request
def with_snapshot_interval(response: Response) -> Response:
    """Tell the CLI how often to send intermediate states, even if there is no state yet, for the first apply."""
    if request.url_rule is not None and (request.method, request.url_rule.rule) in SNAPSHOT_ADDRESSES:
        response.headers["X-Terraform-Snapshot-Interval"] = SNAPSHOT_INTERVAL
    return response
