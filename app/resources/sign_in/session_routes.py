"""Signing in and out."""

import logging
import math
from datetime import timedelta
from typing import Final

from flask import Response, request
from sqlalchemy import select

from app.authentication.passwords import MAXIMUM_LENGTH, hash_password, is_outdated, is_password
from app.authentication.tokens import digest
from app.resources.sign_in import attempts
from app.resources.sign_in.authorization import only, wanted
from app.resources.sign_in.blueprint import blueprint
from app.resources.sign_in.browser import cookie_digest, is_our_form, renew_cookie, signed_in
from app.resources.sign_in.operations import Found, end_session, open_session, user_named
from app.resources.sign_in.pages import FORM_BYTES, STALE, go_to_question, message, question
from app.resources.users.model import User
from app.web.context import act_as, reader, release_reader, settings
from app.web.guard import any_media_type, describes, open_to_all
from app.web.requests import form
from app.web.transaction import change, record

logger = logging.getLogger(__name__)

# As long as an e-mail address may be, and more than a username.
ACCOUNT_LENGTH: Final = 256
WRONG: Final = "The username or the password is wrong."


@blueprint.post("/sign-in")
@open_to_all
@any_media_type
@describes()
def sign_in() -> Response:
    """Sign in with username or e-mail address and password, on the way to the question of the terraform CLI."""
    asked_for = wanted(request.args)
    sent = form(FORM_BYTES)
    account = (only(sent, "account") or "").strip()[:ACCOUNT_LENGTH]
    # Longer than any password is as wrong as its beginning, and less work.
    password = (only(sent, "password") or "")[: MAXIMUM_LENGTH + 1]
    if not is_our_form(only(sent, "form_token")):
        return question(asked_for, status=403, problem=STALE, account=account)
    typed, address = digest(account.lower(), settings().secret_key), attempts.place_of(request.remote_addr)
    wait = _noted(typed, address)
    if wait is not None:
        return _too_many(wait)
    user = _user(account.lower(), password)
    if user is None or not _enter(user, password, typed, address):
        return question(asked_for, status=403, problem=WRONG, account=account)
    return go_to_question(asked_for)


@blueprint.post("/sign-out")
@open_to_all
@any_media_type
@describes()
def sign_out() -> Response:
    """End the session of this browser; on the way to the terraform CLI, ask anew who it is."""
    if not is_our_form(only(form(FORM_BYTES), "form_token")):
        return message("You are still signed in", STALE, 403)
    who = signed_in()
    if who is not None:
        act_as(who.user_id, who.username)
        with change() as session:
            end_session(session, cookie_digest())
            record(session, "users.sign-out", session.get_one(User, who.user_id))
    renew_cookie()
    if request.args:
        return go_to_question(wanted(request.args))
    return message("You are signed out", "You can close this page.")


def _noted(typed: str, address: str) -> timedelta | None:
    """Note the attempt; how long to wait instead, when there were too many."""
    with change() as session:
        attempt = attempts.note(session, typed, address)
    wait = attempts.wait(reader(), typed, address)
    if wait is not None:
        with change() as session:
            attempts.take_back(session, attempt)
    return wait


def _user(account: str, password: str) -> Found | None:
    """The user, if the password is right. It takes as long when there is no such user."""
    found = user_named(reader(), account)
    # The hash takes its time, and the connection has other things to do.
    release_reader()
    return found if is_password(password, None if found is None else found.password_hash) else None


def _enter(user: Found, password: str, typed: str, address: str) -> bool:
    """Open a session in a browser that is known by nothing it had before; false when the password was just changed."""
    renewed = hash_password(password) if is_outdated(user.password_hash) else user.password_hash
    before = cookie_digest()
    renew_cookie()
    act_as(user.id, user.username)
    with change() as session:
        # A change of the password holds the row, too: either it ends this session, or its hash is seen here.
        entering = session.scalars(
            select(User)
            .where(User.__table__.c.id == user.id, User.password_hash == user.password_hash)
            .with_for_update(),
        ).one_or_none()
        if entering is None:
            return False
        entering.password_hash = renewed
        attempts.forgive(session, typed, address)
        end_session(session, before)
        open_session(session, entering.id, cookie_digest())
        record(session, "users.sign-in", entering)
    return True


def _too_many(wait: timedelta) -> Response:
    logger.warning("sign-in refused: too many attempts for an account or from an address")
    seconds = max(1, math.ceil(wait.total_seconds()))
    minutes = math.ceil(seconds / 60)
    text = f"Please wait {minutes} minute{'' if minutes == 1 else 's'}, then go back and try again."
    response = message("Too many attempts to sign in", text, 429)
    response.headers["Retry-After"] = str(seconds)
    return response
