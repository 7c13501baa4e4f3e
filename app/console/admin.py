"""The administration of the site: its users and organizations."""

from typing import Final

from flask import Response, request, url_for

from app.console.api import Refused, get, send
from app.console.blueprint import blueprint
from app.console.pages import action, page, redirect, render
from app.console.queries import page_address, page_query
from app.resources.accounts.sign_in.authorization import Parameters, single_value

ACTIONS: Final = {"suspend", "unsuspend", "grant_admin", "revoke_admin", "revoke_tokens"}


@blueprint.get("/admin/users")
@page
def list_users() -> Response:
    """Show the users of the site."""
    return _users()


def _users(status: int = 200, problem: str = "") -> Response:
    q = request.args.get("q", "")
    users = get("/admin/users", {**page_query(), **({"q": q} if q else {})})
    return render("users", status, users=users, q=q, problem=problem, address=page_address())


@blueprint.get("/admin/organizations")
@page
def list_all_organizations() -> Response:
    """Show all organizations of the site."""
    q = request.args.get("q", "")
    found = get("/admin/organizations", {**page_query(), **({"q": q} if q else {})})
    return render("all_organizations", organizations=found, q=q, address=page_address())


@blueprint.post("/admin/users/<user_id>")
@action
def change_user(user_id: str, sent: Parameters) -> Response:
    """Suspend a user, make them an administrator, or take that back, depending on the button."""
    do = single_value(sent, "do") or ""
    path = f"/admin/users/{user_id}"
    try:
        if do == "delete":
            send("DELETE", path)
        elif do in ACTIONS:
            send("POST", f"{path}/actions/{do}")
        else:
            get(path)
    except Refused as refused:
        if refused.status == 404:  # noqa: PLR2004 - not found, or no administrator
            raise
        return _users(refused.status, refused.text)
    return redirect(url_for("console.list_users", done="saved"))
