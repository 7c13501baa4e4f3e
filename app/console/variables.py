"""Variables of a workspace: its own, and those that it inherits, with the one that wins."""

from flask import Response, url_for

from app.console.api import Refused, get, send
from app.console.blueprint import blueprint
from app.console.pages import action, page, redirect, render
from app.console.workspaces import workspace_named
from app.resources.accounts.sign_in.authorization import Parameters, single_value


@blueprint.get("/<organization>/workspaces/<workspace>/variables")
@page
def list_variables(organization: str, workspace: str) -> Response:
    """Show the variables of a workspace."""
    return _variables(organization, workspace)


def _variables(organization: str, workspace: str, status: int = 200, **given: object) -> Response:
    shown = workspace_named(organization, workspace)
    own = get(f"/workspaces/{shown.id}/vars")
    return render(
        "variables", status, org=organization, workspace=shown, own=own, **{"values": {}, "faults": {}, **given}
    )


@blueprint.get("/<organization>/workspaces/<workspace>/variables/in-force")
@page
def list_variables_in_force(organization: str, workspace: str) -> Response:
    """Show the variables that apply: of each name the value that wins, then those that it overrides, and why."""
    shown = workspace_named(organization, workspace)
    every = get(f"/workspaces/{shown.id}/all-vars", {"overridden": "true"})
    return render("variables_in_force", org=organization, workspace=shown, every=every)


@blueprint.post("/<organization>/workspaces/<workspace>/variables")
@action
def create_variable(organization: str, workspace: str, sent: Parameters) -> Response:
    """Create a variable of a workspace."""
    shown = workspace_named(organization, workspace)
    values: dict[str, object] = {name: single_value(sent, name) or "" for name in ("key", "value", "description")}
    values["category"] = "env" if single_value(sent, "category") == "env" else "terraform"
    values |= {name: single_value(sent, name) == "true" for name in ("hcl", "sensitive")}
    try:
        send("POST", f"/workspaces/{shown.id}/vars", {"data": {"type": "vars", "attributes": values}})
    except Refused as refused:
        # A value that may be a secret is typed again.
        again = {**values, "value": ""}
        given = {"values": again, "faults": refused.by_field, "problem": refused.text}
        return _variables(organization, workspace, refused.status, **given)
    return redirect(_address(organization, workspace, "created"))


@blueprint.post("/<organization>/workspaces/<workspace>/variables/<variable_id>")
@action
def change_variable(organization: str, workspace: str, variable_id: str, sent: Parameters) -> Response:
    """Change the value of a variable, or delete it, depending on the button."""
    shown = workspace_named(organization, workspace)
    path = f"/workspaces/{shown.id}/vars/{variable_id}"
    if single_value(sent, "do") == "delete":
        send("DELETE", path)
        return redirect(_address(organization, workspace, "deleted"))
    attributes = {"value": single_value(sent, "value") or ""}
    send("PATCH", path, {"data": {"type": "vars", "id": variable_id, "attributes": attributes}})
    return redirect(_address(organization, workspace, "saved"))


def _address(organization: str, workspace: str, done: str) -> str:
    return url_for("console.list_variables", organization=organization, workspace=workspace, done=done)
