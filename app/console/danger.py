"""What can't be taken back: deleting, wiping, moving, giving away. Each page says first what would go."""

from typing import Any, Final

from flask import Response, request, url_for

from app.console.api import Document, Refused, Resource, get, segment, send
from app.console.blueprint import blueprint
from app.console.pages import action, page, redirect_to, render
from app.console.workspaces import workspace_named
from app.resources.accounts.sign_in.authorization import Parameters, single_value

LISTED: Final = 100
NOT_TYPED: Final = "Type the name as it is, to say that you mean this one. Nothing was changed."


@blueprint.get("/<organization>/projects/<project_id>/delete")
@page
def show_project_danger(organization: str, project_id: str) -> Response:
    """Show what wiping or deleting a project would destroy, and to whom it can be given."""
    return _project_page(organization, project_id)


def _project_page(organization: str, project_id: str, status: int = 200, problem: str = "") -> Response:
    project = get(f"/projects/{project_id}").one
    foreseen: Resource | None = None
    refused = ""
    try:
        answer = send("POST", f"/projects/{project_id}/actions/wipe", query={"dry-run": "true"})
        foreseen = answer.one if answer else None
    except Refused as error:
        refused = error.text
    given = {"project": project, "foreseen": foreseen, "refused": refused, "problem": problem}
    return render("project_danger", status, org=organization, **given)


@blueprint.get("/<organization>/projects/<project_id>/transfer")
@page
def show_project_transfer(organization: str, project_id: str) -> Response:
    """Show to whom a project can be given."""
    project = get(f"/projects/{project_id}").one
    people = get(f"/projects/{project_id}/members", {"include": "user", "page[size]": LISTED, "page[count]": "false"})
    return render("project_transfer", org=organization, project=project, people=people)


@blueprint.post("/<organization>/projects/<project_id>/delete")
@action
def destroy_project(organization: str, project_id: str, sent: Parameters) -> Response:
    """Wipe, delete or give away a project, depending on the button."""
    project = get(f"/projects/{project_id}").one
    if (single_value(sent, "name") or "") != project.name:
        return _project_page(organization, project_id, 422, NOT_TYPED)
    place = {"organization": organization, "project_id": project_id}
    do = single_value(sent, "do")
    if do == "wipe":
        send("POST", f"/projects/{project_id}/actions/wipe")
        return redirect_to("console.show_project", "deleted", **place)
    if do == "transfer":
        owner = {"data": {"type": "users", "id": single_value(sent, "user") or ""}}
        document = {"data": {"type": "project-members", "relationships": {"user": owner}}}
        send("POST", f"/projects/{project_id}/actions/transfer-ownership", document)
        return redirect_to("console.show_project", "saved", **place)
    send("DELETE", f"/projects/{project_id}")
    return redirect_to("console.show_organization", "deleted", organization=organization)


@blueprint.get("/<organization>/workspaces/<workspace>/delete")
@page
def show_workspace_danger(organization: str, workspace: str) -> Response:
    """Show what deleting a workspace would lose, and where it can be moved."""
    return _workspace_page(organization, workspace)


def _workspace_page(organization: str, workspace: str, status: int = 200, problem: str = "") -> Response:
    shown = workspace_named(organization, workspace)
    query = {"page[size]": LISTED, "page[count]": "false", "sort": "name"}
    projects: Document = get(f"/organizations/{organization}/projects", query)
    return render("workspace_danger", status, org=organization, workspace=shown, projects=projects, problem=problem)


@blueprint.post("/<organization>/workspaces/<workspace>/delete")
@action
def destroy_workspace(organization: str, workspace: str, sent: Parameters) -> Response:
    """Delete a workspace, safely or by force, or move it to another project, depending on the button."""
    shown = workspace_named(organization, workspace)
    do = single_value(sent, "do")
    if do == "move":
        document = {"data": [{"type": "workspaces", "id": shown.id}]}
        send("POST", f"/projects/{segment(single_value(sent, 'project'))}/relationships/workspaces", document)
        return redirect_to("console.show_workspace", "saved", organization=organization, workspace=workspace)
    if (single_value(sent, "name") or "") != shown.name:
        return _workspace_page(organization, workspace, 422, NOT_TYPED)
    if do == "force-delete":
        send("DELETE", f"/workspaces/{shown.id}")
    else:
        send("POST", f"/workspaces/{shown.id}/actions/safe-delete")
    return redirect_to("console.list_workspaces", "deleted", organization=organization)


@blueprint.get("/<organization>/workspaces/<workspace>/permissions")
@page
def explain_workspace(organization: str, workspace: str) -> Response:
    """Show who may do what in a workspace, and through which grants."""
    shown = workspace_named(organization, workspace)
    place = {"organization": organization, "workspace": workspace}
    here = url_for("console.explain_workspace", **place)  # type: ignore[arg-type]
    return _explanation(organization, shown, "workspaces", here)


@blueprint.get("/<organization>/projects/<project_id>/permissions")
@page
def explain_project(organization: str, project_id: str) -> Response:
    """Show who may do what in a project, and through which grants."""
    shown = get(f"/projects/{project_id}").one
    place = {"organization": organization, "project_id": project_id}
    here = url_for("console.explain_project", **place)  # type: ignore[arg-type]
    return _explanation(organization, shown, "projects", here)


def _explanation(organization: str, shown: Resource, type_: str, here: str) -> Response:
    relationships: dict[str, Any] = {"resource": {"data": {"type": type_, "id": shown.id}}}
    subject = request.args.get("subject", "").strip()
    if subject:
        kind = "teams" if subject.startswith("team-") else "users"
        relationships["subject"] = {"data": {"type": kind, "id": subject}}
    document = {"data": {"type": "permission-explanations", "relationships": relationships}}
    explained = send("POST", "/permissions/explain", document)
    given: dict[str, Any] = {"shown": shown, "here": here, "home": here.rpartition("/")[0], "subject": subject}
    return render("permissions", org=organization, **given, explained=explained and explained.one)
