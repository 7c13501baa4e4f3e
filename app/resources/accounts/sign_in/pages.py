"""Pages for people: plain HTML without scripts, protected against being framed and against foreign forms."""

import base64
import hashlib
from pathlib import Path
from typing import Any, Final

from flask import Response, render_template, url_for

from app.resources.accounts.sign_in.authorization import AuthorizationRequest
from app.resources.accounts.sign_in.blueprint import TEMPLATES, blueprint
from app.resources.accounts.sign_in.browser import form_token, set_cookie, signed_in_user
from app.resources.accounts.sign_in.tokens import token_name

FORM_BYTES: Final = 16_384
STALE: Final = "This page had expired, or your browser keeps no cookies. Please try again."
ENDED: Final = "You were signed out meanwhile. Please sign in again."

# Inlined in the page, because it is small. By its hash, browsers apply this style and no other.
STYLE: Final = (Path(__file__).parent / TEMPLATES / "sign_in" / "style.css").read_text(encoding="utf-8").strip()
STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


def render_page(template: str, *, status: int = 200, sends_to: str = "", **values: Any) -> Response:  # noqa: ANN401
    """Render the template. ``sends_to`` is an origin, besides this service, to which a form may lead."""
    html = render_template(f"{template}.html", style=STYLE, form_token=form_token(), **values)
    response = Response(html, status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = "; ".join(
        (
            "default-src 'none'",
            f"style-src 'sha256-{STYLE_HASH}'",
            f"form-action 'self' {sends_to}".rstrip(),
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ),
    )
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "no-referrer"
    set_cookie(response)
    return response


def login_or_consent_page(
    wanted: AuthorizationRequest, *, status: int = 200, problem: str | None = None, account: str = ""
) -> Response:
    """The next page of the request: the form to sign in, or the question whether terraform may act for the user."""
    who = signed_in_user()
    if who is None:
        action = f"{url_for(f'{blueprint.name}.sign_in')}?{wanted.query}"
        return render_page("sign_in/sign_in", status=status, action=action, problem=problem, account=account)
    return render_page(
        "sign_in/consent",
        status=status,
        # Some browsers check the redirect after a form against the form-action policy.
        sends_to=wanted.origin,
        wanted=wanted,
        problem=problem,
        username=who.username,
        token_name=token_name(),
    )


def message_page(title: str, text: str, status: int = 200) -> Response:
    """A page that only shows a message."""
    return render_page("sign_in/message", status=status, title=title, text=text)


def redirect(location: str) -> Response:
    """Redirect the browser, with a GET."""
    response = Response(status=303)
    response.headers["Location"] = location
    response.headers["Referrer-Policy"] = "no-referrer"
    set_cookie(response)
    return response


def redirect_to_authorize(wanted: AuthorizationRequest) -> Response:
    """Redirect the browser to the next page of the request, which is always one of this service."""
    return redirect(f"{url_for(f'{blueprint.name}.authorize')}?{wanted.query}")
