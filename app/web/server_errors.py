"""Answers that the server gives itself, to requests that never reach the application: documents like all others."""

from typing import Final

import orjson
from werkzeug.http import HTTP_STATUS_CODES

from app.jsonapi import CONTENT_TYPE
from app.jsonapi.errors import (
    AddressTooLong,
    ApiError,
    ExpectationUnknown,
    Forbidden,
    HeadersTooLarge,
    MalformedRequest,
    ServiceUnavailable,
    TransferCodingUnknown,
)
from app.web.requests import HEADERS

_BY_STATUS: Final[dict[int, type[ApiError]]] = {
    kind.status: kind
    for kind in (
        MalformedRequest,
        Forbidden,
        AddressTooLong,
        ExpectationUnknown,
        HeadersTooLarge,
        TransferCodingUnknown,
        ServiceUnavailable,
    )
}


def server_error(status: int) -> bytes:
    """The whole answer for a request that the server refuses with this status; the connection ends with it."""
    # The server's own text is left out, because it quotes what the client sent.
    error = _BY_STATUS.get(status, ApiError)()
    body = orjson.dumps({"errors": error.errors()})
    head = {
        "Connection": "close",
        "Content-Type": CONTENT_TYPE,
        "Content-Length": str(len(body)),
        **HEADERS,
    }
    if error.seconds is not None:
        head["Retry-After"] = str(error.seconds)
    lines = [f"HTTP/1.1 {status} {HTTP_STATUS_CODES[status]}", *(f"{name}: {value}" for name, value in head.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
