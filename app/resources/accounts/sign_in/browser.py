"""The browser that sent a request: its one cookie, and whether a form came from one of our pages.

The cookie holds a random text. If a session has the text's digest, its user is signed in; before that, the text only
ties forms to the browser. Signing in changes the text, so that nobody can plant a known one beforehand.
"""

import re
import secrets
from datetime import timedelta
from typing import Final

from flask import Response, g, request

from app.authentication.callers import Caller
from app.authentication.tokens import digest, same
from app.resources.accounts.sign_in.operations import Found, find_session, find_session_with_grants
from app.services import services
from app.web.addresses import is_https, sub_path
from app.web.context import reader, signed_in_caller
from app.web.signatures import NotSigned, read_recently_signed, sign_for_a_while

BYTES: Final = 32
TEXT: Final = re.compile("[A-Za-z0-9_-]{43}")
# Longer than anybody looks at a page before sending its form.
FORM_LIFETIME: Final = timedelta(hours=1)
# What the text in a form is signed for.
PURPOSE: Final = "form"


def cookie_text() -> str:
    """The text in this browser's cookie, or the one that this answer will set."""
    if "cookie_text" not in g:
        given = request.cookies.get(_cookie_name(), "")
        g.cookie_text = given if TEXT.fullmatch(given) else secrets.token_urlsafe(BYTES)
    text: str = g.cookie_text
    return text


def renew_cookie() -> None:
    """Make this answer set a cookie with another text."""
    g.cookie_text = secrets.token_urlsafe(BYTES)


def cookie_digest() -> str:
    """The digest of the cookie's text, which is stored."""
    return digest(cookie_text(), services().settings.secret_key)


def signed_in_user() -> Found | None:
    """The signed-in user: ``user_id`` and ``username``."""
    return find_session(reader(), cookie_digest())


def signed_in_with_grants() -> Caller | None:
    """The signed-in user as a caller with all grants."""
    return signed_in_caller(find_session_with_grants(reader(), cookie_digest()))


def set_cookie(response: Response) -> None:
    """Set the cookie. It ends with the browser; the session on the server ends on its own."""
    response.set_cookie(
        _cookie_name(), cookie_text(), httponly=True, samesite="Lax", secure=is_https(), path=sub_path() or "/"
    )


def form_token() -> str:
    """The text in a form that proves that the form came from one of our pages, in this browser."""
    return sign_for_a_while(PURPOSE, cookie_digest())


def is_form_token_valid(token: str | None) -> bool:
    """Whether the form came from one of our pages, in this browser, not too long ago."""
    try:
        signed = read_recently_signed(PURPOSE, token or "", FORM_LIFETIME)
    except NotSigned:
        return False
    return same(str(signed), cookie_digest())


def _cookie_name() -> str:
    if not is_https():
        return "groundplan"
    # With the first prefix, browsers accept the cookie only from this host, not from sibling domains, and only over
    # https; but it is only for cookies of a whole host.
    return "__Secure-groundplan" if sub_path() else "__Host-groundplan"
