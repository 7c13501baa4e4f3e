"""Organizations: those of the person, and the projects and workspaces of one."""

from flask import Response, request, url_for

from app.console.api import Refused, get, send
from app.console.blueprint import blueprint
from app.console.pages import action, page, redirect, render
from app.console.queries import page_address, page_query
from app.resources.accounts.sign_in.authorization import Parameters, single_value

SIZE = 20


@blueprint.get("/organizations")
@blueprint.get("")
@page
def list_organizations() -> Response:
    """Show the organizations that the person belongs to."""
    q = request.args.get("q", "")
    found = get("/organizations", {**page_query(), **({"q": q} if q else {})})
    account = get("/account/details").one
    return render("organizations", account=account, organizations=found, q=q, address=page_address())


@blueprint.get("/organizations/new")
@page
def new_organization() -> Response:
    """Show the form for an organization."""
    account = get("/account/details").one
    return render("new_organization", values={"email": account.email}, faults={})


@blueprint.post("/organizations")
@action
def create_organization(sent: Parameters) -> Response:
    """Create an organization."""
    values = {"name": single_value(sent, "name") or "", "email": single_value(sent, "email") or ""}
    try:
        made = send("POST", "/organizations", {"data": {"type": "organizations", "attributes": values}})
    except Refused as refused:
        return render("new_organization", refused.status, values=values, faults=refused.by_field, problem=refused.text)
    assert made is not None
    return redirect(url_for("console.show_organization", organization=made.one.id, done="created"))


@blueprint.get("/<organization>/projects")
@blueprint.get("/<organization>")
@page
def show_organization(organization: str) -> Response:
    """Show the projects of an organization, with their counts."""
    q = request.args.get("q", "")
    query = {**page_query(SIZE), "sort": "name", **({"q": q} if q else {})}
    shown = get(f"/organizations/{organization}").one
    projects = get(f"/organizations/{organization}/projects", query)
    return render(
        "organization",
        org=shown.id,
        shown=shown,
        projects=projects,
        q=q,
        address=page_address(organization=organization),
    )


@blueprint.get("/<organization>/workspaces")
@page
def list_workspaces(organization: str) -> Response:
    """Show the workspaces of an organization."""
    names = {"q": "search[name]", "tags": "search[tags]", "status": "filter[current-run][status]"}
    asked = {name: request.args.get(name, "") for name in names}
    sort = request.args.get("sort", "name")
    query = {
        **page_query(SIZE),
        "include": "current_run,project",
        "sort": sort,
        **{parameter: asked[name] for name, parameter in names.items() if asked[name]},
    }
    found = get(f"/organizations/{organization}/workspaces", query)
    return render(
        "workspaces",
        org=organization,
        workspaces=found,
        asked=asked,
        sort=sort,
        counts=found.meta.get("status-counts", {}),
        address=page_address(organization=organization),
    )


@blueprint.post("/<organization>/projects")
@action
def create_project(organization: str, sent: Parameters) -> Response:
    """Create a project."""
    values = {"name": single_value(sent, "name") or "", "description": single_value(sent, "description") or ""}
    document = {"data": {"type": "projects", "attributes": values}}
    try:
        made = send("POST", f"/organizations/{organization}/projects", document)
    except Refused as refused:
        return render(
            "new_project",
            refused.status,
            org=organization,
            values=values,
            faults=refused.by_field,
            problem=refused.text,
        )
    assert made is not None
    return redirect(url_for("console.show_project", organization=organization, project_id=made.one.id, done="created"))


@blueprint.get("/<organization>/projects/new")
@page
def new_project(organization: str) -> Response:
    """Show the form for a project."""
    get(f"/organizations/{organization}")
    return render("new_project", org=organization, values={}, faults={})
