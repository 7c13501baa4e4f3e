"""Answers: JSON:API documents, and empty ones."""

from typing import Any

import orjson
from flask import Response, g, request
from sqlalchemy import Integer

from app.jsonapi import CONTENT_TYPE
from app.jsonapi.errors import ApiError, TooLarge, TooManyRequests, Unauthorized
from app.jsonapi.fieldsets import thinned
from app.jsonapi.query import Page, any_page_of, cursor_page_links, last_page, page_links, page_meta
from app.web import cursors
from app.web.addresses import base_url, page_url, put_below_sub_path, sub_path
from app.web.conditions import READING, tag

OK = 200
CREATED = 201


def document_response(document: dict[str, Any], status: int = 200) -> Response:
    """A JSON:API document, with those fields alone that the request asks for."""
    if "fieldsets" in g and "data" in document:
        document = thinned(document, g.fieldsets)
    put_below_sub_path(document)
    content = orjson.dumps(document)
    response = Response(content, status, content_type=CONTENT_TYPE)
    if status == OK and request.method in READING:
        return tag(response, content)
    if status == CREATED:
        _locate(response, document)
    return response


def _locate(response: Response, document: dict[str, Any]) -> None:
    data = document.get("data")
    link = data.get("links", {}).get("self") if isinstance(data, dict) else None
    if link is not None:
        response.headers["Location"] = f"{base_url().removesuffix(sub_path())}{link}"


def resource_response(
    shown: dict[str, Any], status: int = 200, included: list[dict[str, Any]] | None = None
) -> Response:
    """A document with one resource object."""
    document: dict[str, Any] = {"data": shown}
    if included is not None:
        document["included"] = included
    return document_response(document, status)


def single_page_response(shown: list[dict[str, Any]]) -> Response:
    """The page that the request asks for, cut from resource objects that are all in memory.

    A cursor is the position of one of them here. Their number is told even if nobody needs it, since it costs nothing.
    """
    page = any_page_of(request.args)
    arguments = request.args.to_dict(flat=False)
    if isinstance(page, Page):
        return document_response(
            {
                "data": shown[page.offset : page.offset + page.size],
                "links": page_links(page_url(), arguments, page, last_page(page, len(shown))),
                "meta": {"pagination": page_meta(page, len(shown))},
            },
        )
    place = cursors.decode(page.cursor, (), (Integer(),), page.parameter)[f"{cursors.PREFIX}0"] if page.cursor else None
    if page.is_backward:
        end = len(shown) if place is None else max(0, min(place, len(shown)))
        begin = max(0, end - page.size)
    else:
        begin = 0 if place is None else max(0, min(place + 1, len(shown)))
        end = min(begin + page.size, len(shown))
    ends = [cursors.encode((), [index]) for index in (begin, end - 1)] if begin < end else []
    has_more = begin > 0 if page.is_backward else end < len(shown)
    links = cursor_page_links(page_url(), arguments, page, ends, has_more=has_more)
    return document_response({"data": shown[begin:end], "links": links})


def redirected(address: str) -> Response:
    """The answer 307, which sends the client to another address, without a body."""
    return Response(status=307, headers={"Location": address})


def no_content() -> Response:
    """The answer 204, without a body."""
    response = Response(status=204)
    # An answer without content must not have a type.
    del response.headers["Content-Type"]
    return response


def error_document(error: ApiError) -> Response:
    """The answer to a request that failed with this error."""
    answered = document_response({"errors": error.errors()}, error.status)
    if error.status == Unauthorized.status:
        answered.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooLarge) and error.limit is not None:
        # As in the IETF's draft on resumable uploads; HTTP itself has no header for it.
        answered.headers["Upload-Limit"] = f"max-size={error.limit}"
    if error.seconds is not None:
        answered.headers["Retry-After"] = str(error.seconds)
        if isinstance(error, TooManyRequests):
            # Some clients of HCP Terraform read one header, some the other.
            answered.headers["X-RateLimit-Reset"] = str(error.seconds)
    return answered
