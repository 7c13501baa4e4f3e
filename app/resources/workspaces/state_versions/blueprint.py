"""The blueprint that the routes of state versions share. The addresses of the objects are outside the API's prefix."""

from typing import Final

from flask import Blueprint, Response, request

blueprint: Final = Blueprint("state_versions", __name__)

API: Final = "/api/v2"
OF_WORKSPACE: Final = f"{API}/workspaces/<workspace_id>"

# In seconds: how often the terraform CLI saves an intermediate state during a long apply, so that little is lost if it
# dies. The CLI accepts no shorter interval. Without the header it saves once, at the end.
SNAPSHOT_INTERVAL: Final = "20"
SNAPSHOT_ADDRESSES: Final = {
    ("GET", f"{OF_WORKSPACE}/current-state-version"),
    ("POST", f"{OF_WORKSPACE}/state-versions"),
}


@blueprint.after_request
def with_snapshot_interval(response: Response) -> Response:
    """Add the interval at which the CLI sends intermediate states; to a 404 as well, for the first apply."""
    if request.url_rule is not None and (request.method, request.url_rule.rule) in SNAPSHOT_ADDRESSES:
        response.headers["X-Terraform-Snapshot-Interval"] = SNAPSHOT_INTERVAL
    return response
