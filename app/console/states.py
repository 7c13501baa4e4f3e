"""States of a workspace: their versions, downloads and rolling back."""

from flask import Response

from app.console.api import get, send
from app.console.blueprint import blueprint
from app.console.pages import action, page, redirect_to, render
from app.console.queries import page_address, page_query
from app.console.workspaces import workspace_named
from app.resources.accounts.sign_in.authorization import Parameters, single_value


@blueprint.get("/<organization>/workspaces/<workspace>/states")
@page
def list_states(organization: str, workspace: str) -> Response:
    """Show the versions of a workspace's state."""
    shown = workspace_named(organization, workspace)
    query = {
        **page_query(),
        "filter[organization][name]": organization,
        "filter[workspace][name]": workspace,
        "include": "created_by,run",
    }
    states = get("/state-versions", query)
    address = page_address(organization=organization, workspace=workspace)
    return render("states", org=organization, workspace=shown, states=states, address=address)


@blueprint.post("/<organization>/workspaces/<workspace>/states/roll-back")
@action
def roll_back(organization: str, workspace: str, sent: Parameters) -> Response:
    """Make an earlier version of the state the current one again."""
    shown = workspace_named(organization, workspace)
    version = {"data": {"type": "state-versions", "id": single_value(sent, "version") or ""}}
    document = {"data": {"type": "state-versions", "relationships": {"rollback-state-version": version}}}
    send("PATCH", f"/workspaces/{shown.id}/state-versions", document)
    place = {"organization": organization, "workspace": workspace}
    return redirect_to("console.list_states", "rolled-back", **place)
