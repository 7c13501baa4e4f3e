"""Conditional requests: ``ETag``, ``If-None-Match`` and ``If-Match``.

The tag of an answer is a digest of its bytes. So it is the same for all callers who are shown the same, and nothing has
to be kept or invalidated.
"""

from typing import Final

import xxhash
from flask import Response, g, request
from sqlalchemy.orm import Session
from werkzeug.datastructures import ETags

from app.jsonapi.errors import BadHeader, PreconditionFailed
from app.persistence import wait_for_others
from app.web.inner_requests import answer_within

IF_MATCH: Final = "If-Match"
# As HCP Terraform says it: a client may keep the answer, but asks each time whether it still holds.
REVALIDATED: Final = "max-age=0, private, must-revalidate"
READING: Final = frozenset({"GET", "HEAD"})
NOT_MODIFIED: Final = 304
NOT_FOUND: Final = 404
NOT_READABLE: Final = f"{IF_MATCH} is only for what can be read at the same address"


def tag(response: Response, content: bytes) -> Response:
    """Give the answer to a read its tag; the answer 304 without a body, if the client has it already."""
    found = xxhash.xxh3_128_hexdigest(content)
    response.headers["ETag"] = f'"{found}"'
    response.headers["Cache-Control"] = REVALIDATED
    if "HTTP_IF_NONE_MATCH" in request.environ and (known := _named(request.if_none_match, found)):
        response.headers["ETag"] = f'"{known}"'
        response.headers["Vary"] = "Accept-Encoding"
        response.status_code = NOT_MODIFIED
        response.set_data(b"")
        del response.headers["Content-Type"]
        del response.headers["Content-Length"]
    return response


def _named(tags: ETags, found: str) -> str | None:
    """The tag among those of the client that is this one. A compressed answer has its coding at the end of its tag."""
    known = next((each for each in tags.as_set(include_weak=True) if each.partition(":")[0] == found), None)
    return found if known is None and tags.star_tag else known


def begin_matching() -> None:
    """Note at the beginning of each attempt to answer whether ``If-Match`` has to be checked."""
    if "HTTP_IF_MATCH" in request.environ:
        g.is_matched = False


def ensure_matches(session: Session) -> None:
    """Refuse to change a resource that is no longer as the client has seen it, by ``If-Match``.

    This is called when a row is locked, each time, because the first lock may be a shared one of what the row belongs
    to. What the client would read now is read as any other request reads it: nothing is committed yet. Several
    such requests for one address wait for each other.
    """
    if "is_matched" not in g:
        return
    wait_for_others(session, request.path)
    shown = answer_within("GET", request.path)
    found = shown.get_etag()[0]
    if found is None and shown.status_code != NOT_FOUND:
        raise BadHeader(NOT_READABLE, header=IF_MATCH)
    if found is None or _named(request.if_match, found) is None:
        raise PreconditionFailed(header=IF_MATCH)
    g.is_matched = True


def ensure_match_was_checked() -> None:
    """Refuse a change whose ``If-Match`` was not checked, because no row was locked for it."""
    if not g.get("is_matched", True):
        raise BadHeader(NOT_READABLE, header=IF_MATCH)
