"""Workspaces: what is there now, the lock, and starting runs."""

from flask import Response, request, url_for

from app.console.api import Refused, Resource, get, send
from app.console.blueprint import blueprint
from app.console.pages import action, page, redirect, redirect_to, render
from app.console.queries import page_address, page_query
from app.resources.accounts.sign_in.authorization import Parameters, single_value


def workspace_named(organization: str, workspace: str, include: str = "project") -> Resource:
    """The workspace of this name, with its project, whose name every page of it shows."""
    query = {"include": include} if include else {}
    return get(f"/organizations/{organization}/workspaces/{workspace}", query).one


@blueprint.get("/<organization>/workspaces/<workspace>")
@page
def show_workspace(organization: str, workspace: str) -> Response:
    """Show what is in a workspace now. A script loads its parts into the page; without it, links lead to them."""
    return render(
        "workspace", org=organization, workspace=workspace_named(organization, workspace, "project,locked_by")
    )


@blueprint.get("/<organization>/workspaces/<workspace>/resources")
@page
def list_resources(organization: str, workspace: str) -> Response:
    """Show the resources that terraform manages in a workspace, by module."""
    shown = workspace_named(organization, workspace)
    found = get(f"/workspaces/{shown.id}/resources", page_query(100))
    by_module: dict[str, list[Resource]] = {}
    for each in found:
        by_module.setdefault(each.module or "root", []).append(each)
    address = page_address(organization=organization, workspace=workspace)
    return render("resources", org=organization, workspace=shown, found=found, modules=by_module, address=address)


@blueprint.get("/<organization>/workspaces/<workspace>/outputs")
@page
def list_outputs(organization: str, workspace: str) -> Response:
    """Show the outputs of the current state of a workspace."""
    return render("outputs", org=organization, workspace=workspace_named(organization, workspace, "project,outputs"))


@blueprint.post("/<organization>/workspaces/<workspace>/lock")
@action
def change_lock(organization: str, workspace: str, sent: Parameters) -> Response:
    """Lock, unlock or force-unlock a workspace, depending on the button."""
    shown = workspace_named(organization, workspace)
    wanted = single_value(sent, "do")
    verb = wanted if wanted in {"lock", "unlock", "force-unlock"} else "lock"
    reason = {"reason": single_value(sent, "reason") or ""} if verb == "lock" else None
    send("POST", f"/workspaces/{shown.id}/actions/{verb}", reason)
    done = "locked" if verb == "lock" else "unlocked"
    return redirect(url_for("console.show_workspace", organization=organization, workspace=workspace, done=done))


@blueprint.get("/<organization>/workspaces/<workspace>/runs")
@page
def list_runs(organization: str, workspace: str) -> Response:
    """Show the runs of a workspace."""
    # Without the project, as the pages below this one.
    shown = workspace_named(organization, workspace, "")
    status = request.args.get("status", "")
    # As a part of another page, the list shows the last ones alone.
    size = 5 if "X-Part" in request.headers else 20
    query = {**page_query(size), "include": "created_by,plan", **({"filter[status]": status} if status else {})}
    runs = get(f"/workspaces/{shown.id}/runs", query)
    address = page_address(organization=organization, workspace=workspace)
    return render("runs", org=organization, workspace=shown, runs=runs, wanted=status, address=address)


@blueprint.get("/<organization>/workspaces/<workspace>/runs/new")
@page
def new_run(organization: str, workspace: str) -> Response:
    """Show the form that starts a run."""
    return render("new_run", org=organization, workspace=workspace_named(organization, workspace), faults={}, values={})


@blueprint.post("/<organization>/workspaces/<workspace>/runs")
@action
def create_run(organization: str, workspace: str, sent: Parameters) -> Response:
    """Start a run."""
    shown = workspace_named(organization, workspace)
    kind = single_value(sent, "kind") or "plan"
    attributes: dict[str, object] = {"message": single_value(sent, "message") or "Queued in the console"}
    if kind in {"plan-only", "refresh-only"}:
        attributes[kind] = True
    if kind == "destroy":
        attributes["is-destroy"] = True
    for name in ("target-addrs", "replace-addrs"):
        if addresses := (single_value(sent, name) or "").split():
            attributes[name] = addresses
    document = {
        "data": {
            "type": "runs",
            "attributes": attributes,
            "relationships": {"workspace": {"data": {"type": "workspaces", "id": shown.id}}},
        }
    }
    try:
        made = send("POST", "/runs", document)
    except Refused as refused:
        values = {"kind": kind, **attributes}
        given = {"values": values, "faults": refused.by_field, "problem": refused.text}
        return render("new_run", refused.status, org=organization, workspace=shown, **given)
    assert made is not None
    place = {"organization": organization, "workspace": workspace, "run_id": made.one.id}
    return redirect_to("console.show_run", "queued", **place)
