"""The page of an invitation: what it is for, who is signed in, and the button that accepts it.

All forms are sent to the address in the mail itself, so no form ever leads to another address.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from flask import Response

from app.jsonapi.errors import ApiError, Conflict, NotFound, Taken, TooManyRequests
from app.resources.access.invitation_pages.blueprint import blueprint
from app.resources.access.invitation_pages.pages import here, invitation_page
from app.resources.access.invitation_pages.sign_up import fault_of, is_open, sign_up
from app.resources.access.invitations.service import accept_invitation, decline_invitation
from app.resources.accounts.sign_in.authorization import Parameters, single_value
from app.resources.accounts.sign_in.browser import is_form_token_valid, signed_in_user
from app.resources.accounts.sign_in.pages import ENDED, FORM_BYTES, STALE, message_page, redirect
from app.resources.accounts.sign_in.password_login import login_from_form, logout_from_form
from app.resources.accounts.users.schema import USERNAME_LENGTH
from app.web.context import set_caller
from app.web.guard import any_media_type, describes, open_to_all
from app.web.requests import form

__all__ = ["blueprint"]

# What the page says instead of the error's own words.
PROBLEMS: Final[dict[type[ApiError], str]] = {
    Taken: "This user name is taken. Choose another one.",
    NotFound: "This link is good for nothing any more. Ask for another one.",
}


@blueprint.get("/invitations/<token>")
@open_to_all
@describes()
def show_page(token: str) -> Response:
    """Show the invitation to the invited user; ask everybody else to sign in, or to make an account."""
    return invitation_page(token)


@blueprint.post("/invitations/<token>")
@open_to_all
@any_media_type
@describes()
def answer_form(token: str) -> Response:
    """Sign in, out or up, accept or decline the invitation, depending on the button."""
    sent = form(FORM_BYTES)
    do = DECISIONS.get(single_value(sent, "decision") or "")
    if do is None:
        return invitation_page(token, status=400)
    return do(token, sent) or redirect(here(token))


def _sign_in(token: str, sent: Parameters) -> Response | None:
    return login_from_form(sent, partial(invitation_page, token))


def _sign_out(_token: str, sent: Parameters) -> Response | None:
    return logout_from_form(sent)


def _accept(token: str, sent: Parameters) -> Response | None:
    """Accept the invitation; returns None, or a page with the reason why it was not accepted."""
    return _answer(token, sent, accept_invitation)


def _answer(token: str, sent: Parameters, answer: Callable[[str], object]) -> Response | None:
    who = signed_in_user()
    if who is None:
        return invitation_page(token, status=403, problem=ENDED)
    if not is_form_token_valid(single_value(sent, "form_token")):
        return invitation_page(token, status=403, problem=STALE)
    set_caller(who.user_id, who.username)
    try:
        answer(token)
    except NotFound:
        return invitation_page(token)
    except Conflict as error:
        return invitation_page(token, status=error.status, problem=f"{error.detail}.")
    return None


def _decline(token: str, sent: Parameters) -> Response | None:
    """Decline the invitation; returns None, or a page with the reason why it was not declined."""
    return _answer(token, sent, decline_invitation)


def _sign_up(token: str, sent: Parameters) -> Response | None:
    """Make an account and accept the invitation with it; returns None, or a page with the reason why not."""
    username = (single_value(sent, "username") or "").strip()[: USERNAME_LENGTH + 1]
    password, repeated = (single_value(sent, name) or "" for name in ("password", "password_again"))
    if not is_open():
        return invitation_page(token, status=403)
    if not is_form_token_valid(single_value(sent, "form_token")):
        status, problem = 403, STALE
    elif fault := fault_of(username, password, repeated):
        status, problem = 422, fault
    else:
        try:
            sign_up(token, username, password)
        except (Taken, NotFound, Conflict, TooManyRequests) as error:
            status, problem = error.status, PROBLEMS.get(type(error)) or f"{error.detail}."
        else:
            return None
    return invitation_page(token, status=status, sign_up_problem=problem, new_username=username)


DECISIONS: Final[dict[str, Callable[[str, Parameters], Response | None]]] = {
    "accept": _accept,
    "decline": _decline,
    "sign-in": _sign_in,
    "sign-out": _sign_out,
    "sign-up": _sign_up,
}


@blueprint.errorhandler(ApiError)
def handle_api_error(error: ApiError) -> Response:
    """Show the error as a page instead of a document."""
    return message_page("That did not work", error.detail or error.title, error.status)
