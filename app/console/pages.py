"""What all pages have in common: the person who has signed in, the look, forms, and pages for refusals."""

import gzip
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final, cast
from urllib.parse import urlencode, urlsplit

from flask import Response, g, render_template, request, url_for

from app.console.api import REFUSED, Refused
from app.jsonapi.errors import ApiError, Forbidden, NotFound
from app.resources.accounts.sign_in.authorization import single_value
from app.resources.accounts.sign_in.browser import form_token, is_form_token_valid, set_cookie, signed_in_with_grants
from app.resources.accounts.sign_in.pages import STALE
from app.services import services
from app.web.addresses import base_url, sub_path
from app.web.context import request_id
from app.web.guard import Operation
from app.web.policy import PolicyNotAsked, checked_permissions, forget_checks
from app.web.requests import FILE_FORM, form, form_with_file

View = Callable[..., Response]

POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
# Pages shorter than this are sent as they are.
COMPRESSED_FROM: Final = 1_000
TITLES: Final = {
    400: "That can't be read",
    401: "You can't do this with a session",
    403: "You have no right to do this",
    404: "Not found",
    409: "Something has changed meanwhile",
    413: "That is too large",
    422: "That can't be done so",
    429: "Too many requests",
    503: "The service is busy",
}
ADVICE: Final = {
    403: "Ask an owner of the organization, or somebody who manages the project's members.",
    404: "It may have been deleted or renamed, or you may have no right to see it. Whoever manages the organization or "
    "the project can tell, and give you access.",
    409: "Somebody else was faster. Go back, load the page again, and compare before you repeat it.",
    503: "Nothing was changed. Try again in a moment.",
}

SIGNED_OUT: Final = "Load the page again to sign in."

# What a page says after a form was sent and the browser was redirected to it.
DONE: Final = {
    "locked": "The workspace is locked.",
    "unlocked": "The workspace is unlocked.",
    "created": "Created.",
    "saved": "Saved.",
    "deleted": "Deleted.",
    "queued": "The run is queued.",
    "confirmed": "The run is confirmed.",
    "discarded": "The run is discarded.",
    "canceled": "The run is being canceled.",
    "commented": "The comment is added.",
    "rolled-back": "The state is rolled back.",
    "revoked": "The token is revoked.",
    "ended": "The session is ended.",
    "removed": "Removed.",
    "recovered": "Recovered.",
    "moved": "Moved.",
    "overridden": "The run goes on.",
}


def page(view: View) -> View:
    """Show the view to people who have signed in; others are asked to. It must ask the API, or the policy itself."""

    @wraps(view)
    def shown(**values: Any) -> Response:  # noqa: ANN401 - the view's own
        g.api_requests = []
        forget_checks()
        if not _sign_in():
            return to_sign_in()
        try:
            answer = view(**values)
        except Refused as refused:
            answer = refusal_page(refused)
        if not (g.api_requests or checked_permissions()) and answer.status_code < REFUSED:
            raise PolicyNotAsked(request.endpoint)
        return answer

    shown.permissions = ()  # type: ignore[attr-defined]
    shown.is_console_page = True  # type: ignore[attr-defined]
    shown.operation = Operation()  # type: ignore[attr-defined]
    return shown


def action(view: Callable[..., Response]) -> View:
    """Let people who have signed in send a form of one of our pages to the view, which gets its fields as ``sent``."""

    @wraps(view)
    def checked(**values: Any) -> Response:  # noqa: ANN401 - the view's own
        # What is sent in a form may take twice as many bytes as in a document.
        longest = 2 * services().settings.request_bytes
        sent = form_with_file() if request.mimetype == FILE_FORM else form(longest)
        if not is_form_token_valid(single_value(sent, "form_token")):
            return message_page("This page had expired", STALE, 403)
        return view(sent=sent, **values)

    guarded = page(checked)
    guarded.any_media_type = True  # type: ignore[attr-defined]
    return guarded


def _sign_in() -> bool:
    who = signed_in_with_grants()
    if who is None:
        return False
    g.caller = who
    return True


def to_sign_in() -> Response:
    """Redirect to the form to sign in, which leads back to this page. A part of a page is no place for the form."""
    if "X-Part" in request.headers:
        return message_page("You are signed out", SIGNED_OUT, 401)
    wanted = request.full_path.rstrip("?") if request.method == "GET" else ""
    return redirect(
        f"{url_for('console.show_sign_in')}?{urlencode({'next': wanted})}"
        if wanted
        else url_for("console.show_sign_in")
    )


def own_path(path: str | None) -> str:
    """The path, if it is one of the console's; otherwise the first page. It can't lead to another host."""
    home = url_for("console.list_organizations")
    if not path or not path.startswith("/app") or "\\" in path:
        return home
    parts = urlsplit(path)
    return home if parts.scheme or parts.netloc or not path.isprintable() else f"{sub_path()}{path}"


def redirect(address: str) -> Response:
    """Redirect the browser to another page, with a GET."""
    response = Response(status=303, headers={"Location": address, "Referrer-Policy": "same-origin"})
    set_cookie(response)
    return response


def redirect_to(endpoint: str, done: str, **values: str) -> Response:
    """Redirect the browser to a page that says what was done, see ``DONE``."""
    return redirect(url_for(endpoint, done=done or None, **cast("Any", values)))


def render(template: str, status: int = 200, **values: Any) -> Response:  # noqa: ANN401 - the template's own
    """The page of a template in ``templates/console``."""
    html = render_template(
        f"console/{template}.html",
        form_token=form_token(),
        who=g.get("caller"),
        done=DONE.get(request.args.get("done", "")),
        # Part of the address of what may have been changed just now, which the browser keeps otherwise.
        fresh=request_id() if "done" in request.args else "",
        as_curl=as_curl(),
        # A script that loads a part into a page wants no head and no foot.
        layout="console/part.html" if "X-Part" in request.headers else "console/base.html",
        part="X-Part" in request.headers,
        **values,
    )
    return html_response(html, status)


def html_response(html: str, status: int = 200) -> Response:
    """The page, compressed for browsers that can read that."""
    body, headers = html.encode(), {}
    if len(body) > COMPRESSED_FROM and request.accept_encodings["gzip"] > 0:
        body, headers = gzip.compress(body, 5, mtime=0), {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    response = Response(body, status, headers, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "same-origin"
    set_cookie(response)
    return response


def message_page(title: str, text: str, status: int = 200, advice: str = "") -> Response:
    """A page that only shows a message."""
    return render("message", status, title=title, text=text, advice=advice)


def refusal_page(refused: Refused) -> Response:
    """A page that says what the API refused, and what to do."""
    title, advice = TITLES.get(refused.status, "That did not work"), ADVICE.get(refused.status, "")
    text = refused.text[:1].upper() + refused.text[1:]
    # What the title says already.
    text = "" if text.rstrip(".") == title else text
    return render("message", refused.status, title=title, text=text, advice=advice, rights=_rights(refused))


def _rights(refused: Refused) -> str:
    """The address of the page that explains what the person may do in this place, if a right is missing."""
    place: dict[str, Any] = dict(request.view_args or {})
    names = {"workspace": "console.explain_workspace", "project_id": "console.explain_project"}
    found = next((name for name in names if name in place), None)
    # Some refusals are 404 even for people who see the workspace, such as that of a lock.
    is_about_rights = refused.status == Forbidden.status or (
        refused.status == NotFound.status and request.method == "POST"
    )
    if found is None or not is_about_rights:
        return ""
    return url_for(names[found], **{"organization": place["organization"], found: place[found]})


def error_page(error: ApiError) -> Response:
    """The same for an error of the page itself."""
    return refusal_page(Refused(error.status, error.errors(), request.method, request.path))


def as_curl() -> list[str]:
    """The commands that ask the API for what this page shows.

    What a form sent is left out: it may be a secret.
    """
    return [curl_command(path, query) for method, path, query in g.get("api_requests", ()) if method == "GET"]


def curl_command(path: str, query: Mapping[str, object]) -> str:
    """The command for one request to the API."""
    asked = f"?{urlencode(query, doseq=True)}" if query else ""
    return f'curl -H "Authorization: Bearer $TOKEN" {_quoted(f"{base_url()}{path}{asked}")}'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
