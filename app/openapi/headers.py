"""The headers of requests and answers."""

from typing import Any

from app.openapi.members import JsonSchema, anchored
from app.openapi.routes import Route
from app.web import idempotency
from app.web.conditions import IF_MATCH
from app.web.context import REQUEST_ID
from app.web.requests import HEADERS


def header_objects() -> dict[str, Any]:
    """The headers of answers, by name."""
    return {
        "TFP-API-Version": {
            "description": "The version of the API that the service speaks",
            "required": True,
            "schema": {"type": "string", "enum": [HEADERS["TFP-API-Version"]]},
        },
        "ETag": {
            "description": "The version of the answer, for If-None-Match and If-Match",
            "required": True,
            "schema": {"type": "string", "pattern": '^"[0-9a-f]{32}"$'},
        },
        "X-Request-Id": {
            "description": "The id of the request: the one that was sent, or a new one",
            "required": True,
            "schema": {"type": "string", "pattern": anchored(REQUEST_ID.pattern)},
        },
    }


def header_parameters() -> dict[str, JsonSchema]:
    """The headers that clients may send, by name."""
    told = {
        idempotency.HEADER: "Any text of your own, new for each new request. If you get no answer, send the same "
        "request with the same key again: it is done once, and answered as the first time, for 24 hours",
        IF_MATCH: "The ETag of what you have read at this address: if it has changed since, nothing is done",
        "If-None-Match": "The ETag of the answer that you have: if it still holds, the answer is 304 without a body",
    }
    patterns = {idempotency.HEADER: anchored(idempotency.KEY.pattern)}
    return {
        name: {
            "name": name,
            "in": "header",
            "description": text,
            "schema": {"type": "string", "pattern": patterns.get(name, '^("[^"]+"|[*])$')},
        }
        for name, text in told.items()
    }


def headers_of(route: Route) -> list[dict[str, Any]]:
    """The headers that a client may send with this request."""
    names = []
    if is_repeatable(route):
        names.append(idempotency.HEADER)
    if is_conditional(route):
        names.append(IF_MATCH)
    if is_tagged(route):
        names.append("If-None-Match")
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def is_repeatable(route: Route) -> bool:
    """Whether the answer can be kept for a client that sends the request again."""
    return route.is_changing and route.is_guarded


def is_conditional(route: Route) -> bool:
    """Whether the change can be made to depend on what the client has read."""
    return route.method != "post" and is_repeatable(route) and route.is_readable


def is_tagged(route: Route) -> bool:
    """Whether the answer is a document with a tag."""
    return route.method == "get" and route.is_guarded and route.is_readable
