"""Projects: their workspaces and settings."""

from flask import Response, request, url_for

from app.console.api import Refused, get, send
from app.console.blueprint import blueprint
from app.console.pages import action, page, redirect, render
from app.console.queries import page_address, page_query
from app.resources.accounts.sign_in.authorization import Parameters, single_value


@blueprint.get("/<organization>/projects/<project_id>")
@page
def show_project(organization: str, project_id: str) -> Response:
    """Show the workspaces of a project."""
    names = {
        "q": "search[name]",
        "tags": "search[tags]",
        "status": "filter[current-run][status]",
        "environment": "filter[environment]",
        "cell": "filter[cell]",
    }
    asked = {name: request.args.get(name, "") for name in names}
    query = {**page_query(), "include": "current_run", "sort": "name"}
    query |= {parameter: asked[name] for name, parameter in names.items() if asked[name]}
    project = get(f"/projects/{project_id}").one
    found = get(f"/projects/{project_id}/workspaces", query)
    address = page_address(organization=organization, project_id=project_id)
    return render("project", org=organization, project=project, workspaces=found, asked=asked, address=address)


@blueprint.get("/<organization>/projects/<project_id>/workspaces/new")
@page
def new_workspace(organization: str, project_id: str) -> Response:
    """Show the form for a workspace."""
    project = get(f"/projects/{project_id}").one
    return render("new_workspace", org=organization, project=project, values={}, faults={})


@blueprint.post("/<organization>/projects/<project_id>/workspaces")
@action
def create_workspace(organization: str, project_id: str, sent: Parameters) -> Response:
    """Create a workspace in a project."""
    texts = ("name", "description", "execution-mode", "terraform-version", "working-directory")
    values: dict[str, object] = {name: text for name in texts if (text := single_value(sent, name))}
    values["auto-apply"] = single_value(sent, "auto-apply") == "true"
    document = {"data": {"type": "workspaces", "attributes": values}}
    try:
        made = send("POST", f"/projects/{project_id}/workspaces", document)
    except Refused as refused:
        project = get(f"/projects/{project_id}").one
        given = {"values": values, "faults": refused.by_field, "problem": refused.text}
        return render("new_workspace", refused.status, org=organization, project=project, **given)
    assert made is not None
    return redirect(
        url_for("console.show_workspace", organization=organization, workspace=made.one.name, done="created")
    )
