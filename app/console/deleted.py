"""What was deleted in an organization, and can be recovered."""

from flask import Response, url_for

from app.console.api import Refused, get, segment, send
from app.console.blueprint import blueprint
from app.console.pages import action, page, redirect, render
from app.console.place import Place
from app.console.queries import page_address, page_query
from app.console.section import ORGANIZATION
from app.resources.accounts.sign_in.authorization import Parameters, single_value

ACTIONS = {"recover": "recovered", "permanently-delete": "deleted"}


@blueprint.get("/<organization>/settings/deleted")
@page
def list_deleted(organization: str) -> Response:
    """Show the deleted workspaces and projects that the person may recover."""
    return _page(organization)


def _page(organization: str, status: int = 200, problem: str = "") -> Response:
    place = Place(ORGANIZATION, organization, get(f"/organizations/{organization}").one)
    path = f"/organizations/{organization}/recoverable-items"
    found = get(path, {**page_query(), "include": "project,deleted_by"})
    address = page_address(organization=organization)
    return render("deleted", status, org=organization, place=place, found=found, problem=problem, address=address)


@blueprint.post("/<organization>/settings/deleted")
@action
def change_deleted(organization: str, sent: Parameters) -> Response:
    """Recover something, or delete it for good, depending on the button."""
    do = single_value(sent, "do") or ""
    if do not in ACTIONS:
        return redirect(url_for("console.list_deleted", organization=organization))
    item = segment(single_value(sent, "item"))
    try:
        send("PUT", f"/recoverable-items/{item}/actions/{do}")
    except Refused as refused:
        if refused.status == 404:  # noqa: PLR2004 - not found, or not theirs
            raise
        return _page(organization, refused.status, refused.text)
    return redirect(url_for("console.list_deleted", organization=organization, done=ACTIONS[do]))
