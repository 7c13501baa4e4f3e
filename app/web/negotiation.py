"""The media types of a request and its answer, and which fields the answer has (JSON:API 1.1)."""

from flask import Flask, g, request

from app.jsonapi import MEDIA_TYPE
from app.jsonapi.errors import NotAcceptable, UnsupportedMediaType
from app.jsonapi.fieldsets import fieldsets_of
from app.web.guard import answers_jsonapi, answers_table, takes_any_media_type
from app.web.requests import WRITE_METHODS, has_body
from app.web.tables import TABLE

BELOW = "/api/v2/"
# Many clients of the API say that they accept JSON.
WIDER = frozenset({"*/*", "application/*", "application/json"})


def install(app: Flask) -> None:
    """Register the hooks."""

    @app.before_request
    def require_media_type() -> None:
        if request.method not in WRITE_METHODS or request.url_rule is None or request.mimetype == MEDIA_TYPE:
            return
        # HCP Terraform requires the header even without a body (spec: conventions, base URL and media type). But people
        # type "curl -X POST …/actions/unlock", and nothing could be misunderstood.
        if has_body() and not takes_any_media_type(app.view_functions[request.endpoint or ""]):
            raise UnsupportedMediaType

    @app.before_request
    def negotiate() -> None:
        if request.url_rule is None or not request.path.startswith(BELOW):
            return
        # Before anything is done: who can't read the answer would not learn of it.
        accept = request.headers.get("Accept", "")
        if accept not in {"", MEDIA_TYPE, "*/*"} and answers_jsonapi(app.view_functions[request.endpoint or ""]):
            g.wants_table = answers_table(app.view_functions[request.endpoint or ""]) and _prefers_table()
            if not g.wants_table:
                _check_acceptable()
        if b"fields" in request.query_string:
            g.fieldsets = fieldsets_of(request.args)


def _prefers_table() -> bool:
    accepted = request.accept_mimetypes
    return accepted[TABLE] > max(accepted[MEDIA_TYPE], accepted["application/json"])


def _check_acceptable() -> None:
    exact, wider = [], []
    for value, quality in request.accept_mimetypes:
        media_type, _, parameters = value.partition(";")
        if media_type.strip().lower() == MEDIA_TYPE:
            # No extension of JSON:API is supported; other parameters say nothing.
            exact.append(quality > 0 and "ext=" not in parameters.replace(" ", ""))
        elif media_type.strip().lower() in WIDER:
            wider.append(quality > 0)
    # The more exact type counts, whatever the others say.
    if not any(exact or wider):
        raise NotAcceptable
