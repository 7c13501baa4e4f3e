"""Signing in and out on the pages of `terraform login`."""

from functools import partial

from flask import Response, request

from app.resources.accounts.sign_in.authorization import wanted
from app.resources.accounts.sign_in.blueprint import blueprint
from app.resources.accounts.sign_in.entering import enter_by, leave_by
from app.resources.accounts.sign_in.pages import FORM_BYTES, go_to_question, message, question
from app.web.guard import any_media_type, describes, open_to_all
from app.web.requests import form


@blueprint.post("/sign-in")
@open_to_all
@any_media_type
@describes()
def sign_in() -> Response:
    """Sign in with username or e-mail address and password."""
    asked_for = wanted(request.args)
    return enter_by(form(FORM_BYTES), partial(question, asked_for)) or go_to_question(asked_for)


@blueprint.post("/sign-out")
@open_to_all
@any_media_type
@describes()
def sign_out() -> Response:
    """End the session of this browser, and ask for a password again if `terraform login` waits."""
    refused = leave_by(form(FORM_BYTES))
    if refused is not None:
        return refused
    if request.args:
        return go_to_question(wanted(request.args))
    return message("You are signed out", "You can close this page.")
