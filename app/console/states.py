"""States of a workspace: their versions, downloads and rolling back."""

from typing import Any, Final

import orjson
from flask import Response, request

from app.console.api import Refused, Resource, get, get_address, segment, send
from app.console.blueprint import blueprint
from app.console.pages import action, page, redirect_to, render
from app.console.queries import page_address, page_query
from app.console.state_reading import differences, instances_of, picture_of
from app.console.workspaces import workspace_named
from app.resources.accounts.sign_in.authorization import Parameters, single_value

# The longest state that is compared or drawn.
STATE_BYTES: Final = 16 * 1024 * 1024


@blueprint.get("/<organization>/workspaces/<workspace>/states")
@page
def list_states(organization: str, workspace: str) -> Response:
    """Show the versions of a workspace's state."""
    # Without the project, as the pages below this one.
    shown = workspace_named(organization, workspace, "")
    query = {
        **page_query(),
        "filter[organization][name]": organization,
        "filter[workspace][name]": workspace,
        "include": "created_by,run",
    }
    states = get("/state-versions", query)
    address = page_address(organization=organization, workspace=workspace)
    return render("states", org=organization, workspace=shown, states=states, address=address)


@blueprint.get("/<organization>/workspaces/<workspace>/states/<version>/changes")
@page
def show_state_changes(organization: str, workspace: str, version: str) -> Response:
    """Show what changed from another version of the state to this one: resources, and their attributes."""
    new = get(f"/state-versions/{version}").one
    before = request.args.get("from", "")
    old = get(f"/state-versions/{segment(before)}").one if before else None
    contents = _content(new), _content(old) if old else {}
    found = None if None in contents else differences(contents[1] or {}, contents[0] or {})
    place = {"organization": organization, "workspace": workspace}
    return render("state_changes", org=organization, place=place, new=new, old=old, changes=found)


@blueprint.get("/<organization>/workspaces/<workspace>/states/<version>/picture")
@page
def show_state_picture(organization: str, workspace: str, version: str) -> Response:
    """Show a picture of the resources in a state and what they depend on."""
    shown = get(f"/state-versions/{version}").one
    content = _content(shown)
    place = {"organization": organization, "workspace": workspace}
    addresses = sorted({each.address for each in instances_of(content or {})})
    picture = picture_of(content) if content else None
    return render("state_picture", org=organization, place=place, version=shown, picture=picture, addresses=addresses)


@blueprint.get("/<organization>/workspaces/<workspace>/states/compare")
@page
def compare_states(organization: str, workspace: str) -> Response:
    """Lead to the comparison of two versions that were chosen."""
    workspace_named(organization, workspace)
    chosen = {"version": request.args.get("to", ""), "from": request.args.get("from", "")}
    place = {"organization": organization, "workspace": workspace}
    return redirect_to(
        "console.show_state_changes" if chosen["version"] else "console.list_states", "", **place, **chosen
    )


def _content(version: Resource) -> dict[str, Any] | None:
    """The state itself; None if it can't be read here, or is too long."""
    address = version.hosted_state_download_url
    if not address or (version.size or 0) > STATE_BYTES:
        return None
    try:
        content = orjson.loads(get_address(address).data)
    except (Refused, orjson.JSONDecodeError):
        return None
    return content if isinstance(content, dict) else None


@blueprint.post("/<organization>/workspaces/<workspace>/states/roll-back")
@action
def roll_back(organization: str, workspace: str, sent: Parameters) -> Response:
    """Make an earlier version of the state the current one again, under the lock, which is taken if it is free."""
    shown = workspace_named(organization, workspace)
    path = f"/workspaces/{shown.id}"
    version = {"data": {"type": "state-versions", "id": single_value(sent, "version") or ""}}
    document = {"data": {"type": "state-versions", "relationships": {"rollback-state-version": version}}}
    if shown.locked:
        send("PATCH", f"{path}/state-versions", document)
    else:
        send("POST", f"{path}/actions/lock", {"reason": "The state is rolled back"})
        try:
            send("PATCH", f"{path}/state-versions", document)
        finally:
            send("POST", f"{path}/actions/unlock")
    place = {"organization": organization, "workspace": workspace}
    return redirect_to("console.list_states", "rolled-back", **place)
