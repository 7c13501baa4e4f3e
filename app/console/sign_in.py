"""Signing in to the console and out of it."""

from flask import Response, request, url_for

from app.console.blueprint import blueprint
from app.console.pages import own_path, redirect, render
from app.resources.accounts.sign_in.browser import signed_in_user
from app.resources.accounts.sign_in.pages import FORM_BYTES
from app.resources.accounts.sign_in.password_login import login_from_form, logout_from_form
from app.web.guard import any_media_type, describes, open_to_all
from app.web.requests import form


@blueprint.get("/sign-in")
@open_to_all
@describes()
def show_sign_in() -> Response:
    """Show the form to sign in."""
    if signed_in_user() is not None:
        return redirect(own_path(request.args.get("next")))
    return _form()


@blueprint.post("/sign-in")
@open_to_all
@any_media_type
@describes()
def sign_in() -> Response:
    """Sign in with username or e-mail address and password."""
    return login_from_form(form(FORM_BYTES), _form) or redirect(own_path(request.args.get("next")))


@blueprint.post("/sign-out")
@open_to_all
@any_media_type
@describes()
def sign_out() -> Response:
    """End the session of this browser."""
    return logout_from_form(form(FORM_BYTES)) or redirect(url_for("console.show_sign_in"))


def _form(status: int = 200, problem: str | None = None, account: str = "") -> Response:
    action = url_for("console.sign_in", next=request.args.get("next"))
    return render("sign_in", status, action=action, problem=problem, account=account)
