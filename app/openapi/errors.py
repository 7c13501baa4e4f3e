"""The error responses, by status, described by the error classes."""

from typing import Any

from app.jsonapi import MEDIA_TYPE
from app.jsonapi.document import kinds, meaning
from app.jsonapi.errors import ApiError

ERROR_DOCUMENT: dict[str, Any] = {
    "description": "What went wrong: an error object for each fault.",
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["status", "title", "code"],
                "properties": {
                    "status": {"type": "string", "pattern": "^[45][0-9]{2}$", "description": "The HTTP status"},
                    "title": {"type": "string", "description": "The kind of error, as HCP Terraform says it"},
                    "code": {"type": "string", "description": "The kind of error, for programs"},
                    "detail": {"type": "string", "description": "What is wrong, for people"},
                    "source": {
                        "type": "object",
                        "properties": {
                            "pointer": {"type": "string", "description": "The member of the body that is at fault"},
                            "parameter": {"type": "string", "description": "The query parameter that is at fault"},
                        },
                    },
                },
            },
        },
    },
}


def error_responses() -> dict[str, Any]:
    """A response for each status of an error."""
    by_status: dict[int, list[type[ApiError]]] = {}
    for kind in kinds():
        # Only the direct subclasses: the errors of resources derive from them.
        if kind is ApiError or kind.__bases__ == (ApiError,):
            by_status.setdefault(kind.status, []).append(kind)
    return {error_name(status): _response(found) for status, found in sorted(by_status.items())}


def error_name(status: int) -> str:
    """The name of the response with this status."""
    return f"error-{status}"


def _response(found: list[type[ApiError]]) -> dict[str, Any]:
    return {
        "description": " Or: ".join(map(meaning, found)),
        "headers": RESPONSE_HEADERS,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/errors"}}},
    }


RESPONSE_HEADERS = {name: {"$ref": f"#/components/headers/{name}"} for name in ("TFP-API-Version", "X-Request-Id")}
"""The headers of every answer."""
