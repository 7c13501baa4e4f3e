"""The hooks around every request (its id, headers), and reading its body."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar
from urllib.parse import parse_qsl

from flask import Flask, Response, has_request_context, request
from werkzeug.datastructures import Headers, MultiDict
from werkzeug.exceptions import HTTPException

from app.jsonapi.body import read_json
from app.jsonapi.errors import (
    BadParameter,
    BadRequest,
    NotFound,
    TooLarge,
    Unprocessable,
)
from app.jsonapi.parameters import Known
from app.jsonapi.query import text_of
from app.services import services
from app.web.context import forbid_retry, release_reader, request_id
from app.web.slow_clients import drain_body, read_deadline

Read = TypeVar("Read")

FORM = "application/x-www-form-urlencoded"
# The number of fields of a form; no form has more.
FIELDS = 50
# How long sending a form may take. Anyone may send one, which blocks a thread; forms are short.
FORM_SECONDS = 20
# The same for a form with a file, and how much of it is kept in memory.
FILE_FORM = "multipart/form-data"
FILE_SECONDS = 60
FILE_BYTES = 6 * 2**20
# What any body may take, beside the time for its bytes.
BODY_SECONDS = 30
SHORT_BODY = 60_000
FIELD_BYTES = 64 * 1024
PIECE = 64 * 1024
UNREADABLE = "The request body could not be read"
WRITE_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})

# The terraform CLI refuses an API version below 2.5; clients tell HCP Terraform from Enterprise by the second header.
HEADERS = {
    "TFP-API-Version": "2.6",
    "TFP-AppName": "HCP Terraform",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def install(app: Flask) -> None:
    """Register the hooks."""

    @app.before_request
    def refuse_nul_in_path() -> None:
        # No name contains a NUL character, and PostgreSQL refuses one in a parameter.
        if "\0" in request.path:
            raise NotFound

    @app.after_request
    def add_headers(response: Response) -> Response:
        _add_missing(response.headers)
        response.headers["X-Request-Id"] = request_id()
        if response.status_code >= 400 and request.method in WRITE_METHODS:  # noqa: PLR2004 - refused, perhaps unread
            response.call_on_close(partial(drain_body, request.environ))
        return response

    @app.teardown_request
    def release_connection(_error: BaseException | None) -> None:
        release_reader()


def _add_missing(headers: Headers) -> None:
    # Not by setdefault(), which makes an exception for each that is absent.
    present = {name.lower() for name, _ in headers}
    for name, value in HEADERS.items():
        if name.lower() not in present:
            headers.add(name, value)


def has_body() -> bool:
    """Whether the request has a body."""
    return bool(request.content_length) or "HTTP_TRANSFER_ENCODING" in request.environ


def body(limit: int | None = None) -> object:
    """The JSON of the request. 400 if it is not JSON, 413 if it is longer than ``limit`` (by default the setting)."""
    return read_json(_sent(limit))


def whole_body(limit: int) -> bytes:
    """The bytes of the request, of any media type; 413 if there are more than the limit, or the setting if greater."""
    is_short = (request.content_length or limit) <= services().settings.request_bytes
    return _sent(None if is_short else max(limit, services().settings.request_bytes))


def sent_pieces(limit: int) -> Iterator[bytes]:
    """The bytes of the request as they arrive, a few at a time; 413 if there are more than the limit.

    If the request announces too many, it is refused before anything is read. If fewer bytes arrive than were announced,
    the answer is 400: some servers report a broken connection in no other way.
    """
    if (request.content_length or 0) > limit:
        raise TooLarge.beyond(limit)
    return _pieces(limit)


def _pieces(limit: int) -> Iterator[bytes]:
    forbid_retry()
    # A longer body of unknown length is silently cut at the maximum; one more byte shows that it was longer.
    request.max_content_length = limit + 1
    size = 0
    with _body_deadline(limit):
        while piece := _read(lambda: request.stream.read(PIECE)):
            size += len(piece)
            if size > limit:
                raise TooLarge.beyond(limit)
            yield piece
    _check_all_arrived(size)


@contextmanager
def _body_deadline(limit: int) -> Iterator[None]:
    """End a body that arrives more slowly than the setting allows. A short one has arrived before its thread began."""
    length = limit if request.content_length is None else request.content_length
    if length <= SHORT_BODY:
        yield
        return
    with read_deadline(request.environ, BODY_SECONDS + length / (services().settings.body_kilobytes_per_second * 1000)):
        yield


def _read(read: Callable[[], Read]) -> Read:
    try:
        return read()
    except HTTPException:
        raise
    except Exception:  # noqa: BLE001 - each server has its own for malformed chunks and for a client that went away
        raise BadRequest(UNREADABLE) from None


def optional_body() -> object:
    """The JSON of the request; an empty document if there is no body, or it is ``null`` or ``{}``."""
    raw = _sent()
    sent = read_json(raw) if raw.strip() else None
    return {"data": {}} if sent is None or sent == {} else sent


def refuse_strangers(*known: str) -> None:
    """Refuse a body, and query parameters other than these.

    For a request that destroys much: a client that misspells how little it should do must not do everything.
    """
    for name in request.args:
        if name not in known:
            listed = ", ".join(known)
            raise BadParameter(f"This request takes no other parameters than {listed}", parameter=name)
    if optional_body() != {"data": {}}:
        raise Unprocessable("This request takes no document; what it should do is said in its parameters", pointer="")


def filter_text(name: str) -> str | None:
    """The text of a filter that the view reads itself, in any form; None when it is absent or empty."""
    return text_of(Known((name,)).understand(request.args), name)


def refuse_filters() -> None:
    """Refuse parameters that would filter, for a list of Groundplan's own that has no filters and no listing."""
    Known((), is_strict=True).understand(request.args)


def flag(name: str) -> bool:
    """The value of a query parameter that is true or false; false without it."""
    text = request.args.get(name, "false")
    if text not in ("true", "false"):
        raise BadParameter(f"{name} must be true or false", parameter=name)
    return text == "true"


def form(limit: int) -> MultiDict[str, str]:
    """The fields of a submitted form; none for a body of another type."""
    if request.mimetype != FORM:
        return MultiDict()
    try:
        with read_deadline(request.environ, FORM_SECONDS):
            sent = _sent(limit).decode()
        return MultiDict(parse_qsl(sent, keep_blank_values=True, errors="strict", max_num_fields=FIELDS))
    except ValueError:
        raise BadRequest("The form could not be read") from None


def form_with_file() -> MultiDict[str, str]:
    """The fields of a submitted form that may have a file, which is read of ``request.files`` afterwards."""
    forbid_retry()
    if (request.content_length or 0) > FILE_BYTES:
        raise TooLarge.beyond(FILE_BYTES)
    request.max_content_length = FILE_BYTES
    request.max_form_memory_size = FIELD_BYTES
    request.max_form_parts = FIELDS
    with read_deadline(request.environ, FILE_SECONDS):
        return _read(lambda: request.form)


def _sent(longer: int | None = None) -> bytes:
    if longer is not None:
        # The body is not kept for a repetition, because one copy in memory is enough.
        forbid_retry()
    limit = longer or services().settings.request_bytes
    if (request.content_length or 0) > limit:
        raise TooLarge.beyond(limit)
    # A longer body of unknown length is silently cut at the maximum; one more byte shows that it was longer.
    request.max_content_length = limit + 1
    with _body_deadline(limit):
        sent = _read(lambda: request.get_data(cache=longer is None))
    if len(sent) > limit:
        raise TooLarge.beyond(limit)
    _check_all_arrived(len(sent))
    return sent


def _check_all_arrived(size: int) -> None:
    # Some servers report a broken connection only by fewer bytes. A truncated body must not be taken for a different
    # request, nor a missing body for a request without one.
    if size < (request.content_length or 0):
        raise BadRequest(UNREADABLE)


class RequestIdFilter(logging.Filter):
    """Puts the request's id on every log line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Accept every line."""
        record.request_id = request_id() if has_request_context() else "-"
        return True
