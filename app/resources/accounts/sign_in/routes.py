"""The pages of `terraform login`: sign in, and allow the terraform CLI to act for you."""

import secrets
from typing import Final

from flask import Response, request

from app.jsonapi.errors import ApiError
from app.resources.accounts.sign_in import service, session_routes, token_routes
from app.resources.accounts.sign_in.authorization import (
    CLIENT,
    InvalidClient,
    InvalidRequest,
    parse_authorization_request,
    single_value,
)
from app.resources.accounts.sign_in.blueprint import blueprint
from app.resources.accounts.sign_in.browser import is_form_token_valid, signed_in_user
from app.resources.accounts.sign_in.pages import ENDED, FORM_BYTES, STALE, login_or_consent_page, message_page, redirect
from app.web.guard import any_media_type, describes, open_to_all
from app.web.requests import form

# Imported so that their routes are registered.
__all__ = ["blueprint", "session_routes", "token_routes"]

CODE_BYTES: Final = 32


@blueprint.get("/oauth/authorization")
@open_to_all
@describes()
def authorize() -> Response:
    """Show the form to sign in and, after that, the question whether the terraform CLI may act for you."""
    return login_or_consent_page(parse_authorization_request(request.args))


@blueprint.post("/oauth/authorization")
@open_to_all
@any_media_type
@describes()
def decide() -> Response:
    """Send the browser back to the terraform CLI, with a code if the user allows it."""
    asked_for = parse_authorization_request(request.args)
    sent = form(FORM_BYTES)
    if signed_in_user() is None:
        return login_or_consent_page(asked_for, status=403, problem=ENDED)
    if not is_form_token_valid(single_value(sent, "form_token")):
        return login_or_consent_page(asked_for, status=403, problem=STALE)
    decision = single_value(sent, "decision")
    if decision == "cancel":
        raise asked_for.denied()
    if decision != "allow":
        return login_or_consent_page(asked_for, status=400)
    code = secrets.token_urlsafe(CODE_BYTES)
    members = {
        "client_id": CLIENT,
        "redirect_uri": asked_for.redirect_uri,
        "code_challenge": asked_for.code_challenge,
    }
    if not service.grant_code(code, members):
        return login_or_consent_page(asked_for, status=403, problem=ENDED)
    return redirect(asked_for.granted(code))


@blueprint.errorhandler(InvalidClient)
def handle_invalid_client(error: InvalidClient) -> Response:
    """Show a message, because an address that may not be the terraform CLI's gets no redirect."""
    return message_page("This is no request of the terraform CLI", str(error), 400)


@blueprint.errorhandler(InvalidRequest)
def handle_invalid_request(error: InvalidRequest) -> Response:
    """Report the error to the client by a redirect."""
    return redirect(error.location)


@blueprint.errorhandler(ApiError)
def handle_api_error(error: ApiError) -> Response:
    """Show the error as a page for people, or in OAuth's form for clients."""
    text = error.detail or error.title
    if request.endpoint == f"{blueprint.name}.{token_routes.redeem.__name__}":
        return token_routes.refusal("invalid_request", text, error.status)
    return message_page("That did not work", text, error.status)
