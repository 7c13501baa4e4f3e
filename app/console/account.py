"""The account of the person: profile, password, tokens."""

from flask import Response, url_for

from app.console.api import Refused, get, send
from app.console.blueprint import blueprint
from app.console.pages import action, page, redirect, render
from app.jsonapi.errors import NotFound
from app.resources.accounts.sign_in.authorization import Parameters, single_value
from app.resources.accounts.sign_in.service import end_own_session, own_sessions


@blueprint.get("/settings/tokens")
@blueprint.get("/settings")
@page
def show_account() -> Response:
    """Show the profile and the tokens of the person."""
    return _account()


def _account(status: int = 200, **given: object) -> Response:
    account = get("/account/details").one
    tokens = get(f"/users/{account.id}/authentication-tokens", {"page[size]": 100})
    return render("account", status, account=account, tokens=tokens, sessions=own_sessions(), **{"faults": {}, **given})


@blueprint.post("/settings/sessions/<key>/end")
@action
def end_session(key: str, sent: Parameters) -> Response:  # noqa: ARG001 - of every form
    """End one of the person's sessions."""
    if not end_own_session(key):
        raise NotFound
    return redirect(url_for("console.show_account", done="ended"))


@blueprint.post("/settings/profile")
@action
def change_profile(sent: Parameters) -> Response:
    """Change the name and the e-mail address."""
    return _change("/account/update", sent, "username", "email")


@blueprint.post("/settings/password")
@action
def change_password(sent: Parameters) -> Response:
    """Change the password. It ends all sessions, so the person signs in again."""
    return _change("/account/password", sent, "current_password", "password", "password_confirmation")


def _change(path: str, sent: Parameters, *names: str) -> Response:
    attributes = {name: single_value(sent, name) or "" for name in names}
    try:
        send("PATCH", path, {"data": {"type": "users", "attributes": attributes}})
    except Refused as refused:
        return _account(refused.status, faults=refused.by_field, problem=refused.text)
    return redirect(url_for("console.show_account", done="saved"))


@blueprint.post("/settings/tokens")
@action
def create_token(sent: Parameters) -> Response:
    """Create a token, whose text this page shows and no other."""
    account = get("/account/details").one
    attributes: dict[str, object] = {"description": single_value(sent, "description") or ""}
    if until := single_value(sent, "expired-at"):
        attributes["expired-at"] = f"{until}T00:00:00Z"
    document = {"data": {"type": "authentication-tokens", "attributes": attributes}}
    try:
        made = send("POST", f"/users/{account.id}/authentication-tokens", document)
    except Refused as refused:
        return _account(refused.status, faults=refused.by_field, problem=refused.text)
    assert made is not None
    return _account(made=made.one)


@blueprint.post("/settings/tokens/<token_id>/revoke")
@action
def revoke_token(token_id: str, sent: Parameters) -> Response:  # noqa: ARG001 - of every form
    """Delete a token."""
    send("DELETE", f"/authentication-tokens/{token_id}")
    return redirect(url_for("console.show_account", done="revoked"))
