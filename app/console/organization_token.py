"""The token of an organization: one, which is made anew or deleted."""

from flask import Response, url_for

from app.console.api import Refused, Resource, get, send
from app.console.blueprint import blueprint
from app.console.pages import action, page, redirect, render
from app.console.place import Place
from app.console.section import ORGANIZATION
from app.resources.accounts.sign_in.authorization import Parameters, single_value

NAME = "token"


@blueprint.get("/<organization>/settings/token")
@page
def show_organization_token(organization: str) -> Response:
    """Show whether the organization has a token, and when it was used."""
    return _page(organization)


def _page(organization: str, made: Resource | None = None) -> Response:
    place = Place(ORGANIZATION, organization, get(f"/organizations/{organization}").one)
    token: Resource | None
    try:
        token = get(f"/organizations/{organization}/authentication-token").one
    except Refused as refused:
        if refused.status != 404:  # noqa: PLR2004 - there is none
            raise
        token = None
    return render("organization_token", org=organization, place=place, name=NAME, token=token, made=made)


@blueprint.post("/<organization>/settings/token")
@action
def change_organization_token(organization: str, sent: Parameters) -> Response:
    """Make the token anew, which ends the one before, or delete it, depending on the button."""
    path = f"/organizations/{organization}/authentication-token"
    if single_value(sent, "do") == "delete":
        send("DELETE", path)
        return redirect(url_for("console.show_organization_token", organization=organization, done="revoked"))
    made = send("POST", path, {"data": {"type": "authentication-tokens", "attributes": {}}})
    return _page(organization, made.one if made else None)
