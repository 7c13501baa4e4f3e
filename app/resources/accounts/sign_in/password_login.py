"""Signing in with a password and signing out, for all pages with such a form."""

import logging
import math
from collections.abc import Callable
from typing import Final

from flask import Response, request

from app.authentication.passwords import MAXIMUM_LENGTH, is_password
from app.authentication.tokens import digest
from app.persistence import fold_case
from app.resources.accounts.sign_in.authorization import Parameters, single_value
from app.resources.accounts.sign_in.browser import is_form_token_valid
from app.resources.accounts.sign_in.operations import Found, user_named
from app.resources.accounts.sign_in.pages import STALE, message_page
from app.resources.accounts.sign_in.service import seconds_to_wait, sign_in, sign_out
from app.resources.accounts.sign_in.throttle import address_to_count
from app.services import services
from app.web.context import reader, release_reader

logger = logging.getLogger(__name__)

# The longest e-mail address; usernames are shorter.
ACCOUNT_LENGTH: Final = 256
WRONG: Final = "The username or the password is wrong."

# Shows the page with the form again, with a status, the problem and the typed account.
ReshowForm = Callable[..., Response]


def login_from_form(sent: Parameters, again: ReshowForm) -> Response | None:
    """Sign in with the account and password in the form; returns None, or an answer with the reason for a refusal."""
    account = (single_value(sent, "account") or "").strip()[:ACCOUNT_LENGTH]
    # A text that is longer than any password is cut: it stays wrong, and takes less time to hash.
    password = (single_value(sent, "password") or "")[: MAXIMUM_LENGTH + 1]
    if not is_form_token_valid(single_value(sent, "form_token")):
        return again(status=403, problem=STALE, account=account)
    typed, address = digest(fold_case(account), services().settings.secret_key), address_to_count(request.remote_addr)
    seconds = seconds_to_wait(typed, address)
    if seconds:
        return _too_many(seconds)
    user = _user(fold_case(account), password)
    if user is None or not sign_in(user, password, typed, address):
        return again(status=403, problem=WRONG, account=account)
    return None


def logout_from_form(sent: Parameters) -> Response | None:
    """End the session of this browser; returns None, or an answer with the reason for a refusal."""
    if not is_form_token_valid(single_value(sent, "form_token")):
        return message_page("You are still signed in", STALE, 403)
    sign_out()
    return None


def _user(account: str, password: str) -> Found | None:
    """The user, if the password is right. An unknown user takes the same time."""
    found = user_named(reader(), account)
    # Hashing takes long, and other requests need the connection meanwhile.
    release_reader()
    return found if is_password(password, None if found is None else found.password_hash) else None


def _too_many(seconds: int) -> Response:
    logger.warning("sign-in refused: too many attempts for an account or from an address")
    minutes = math.ceil(seconds / 60)
    text = f"Please wait {minutes} minute{'' if minutes == 1 else 's'}, then go back and try again."
    response = message_page("Too many attempts to sign in", text, 429)
    response.headers["Retry-After"] = str(seconds)
    return response
