"""Signing in and out on the pages of `terraform login`."""

from functools import partial

from flask import Response, request

from app.resources.accounts.sign_in.authorization import parse_authorization_request
from app.resources.accounts.sign_in.blueprint import blueprint
from app.resources.accounts.sign_in.pages import FORM_BYTES, login_or_consent_page, message_page, redirect_to_authorize
from app.resources.accounts.sign_in.password_login import login_from_form, logout_from_form
from app.web.guard import any_media_type, describes, open_to_all
from app.web.requests import form


@blueprint.post("/sign-in")
@open_to_all
@any_media_type
@describes()
def sign_in() -> Response:
    """Sign in with username or e-mail address and password."""
    asked_for = parse_authorization_request(request.args)
    return login_from_form(form(FORM_BYTES), partial(login_or_consent_page, asked_for)) or redirect_to_authorize(
        asked_for
    )


@blueprint.post("/sign-out")
@open_to_all
@any_media_type
@describes()
def sign_out() -> Response:
    """End the session of this browser, and ask for a password again if `terraform login` waits."""
    refused = logout_from_form(form(FORM_BYTES))
    if refused is not None:
        return refused
    if request.args:
        return redirect_to_authorize(parse_authorization_request(request.args))
    return message_page("You are signed out", "You can close this page.")
