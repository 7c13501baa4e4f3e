"""Requests to the service that it makes itself, in the same process and for the same caller.

Such a request goes through the same routes, policy, services and transactions as one from outside; only its caller is
known already.
"""

from io import BytesIO
from typing import Any, Final

from flask import Response, current_app, request

from app.jsonapi import MEDIA_TYPE
from app.web.context import SIGNED_IN, caller, release_reader, request_id

# What it takes over from the request that is being answered: where the service is, and who asks.
KEPT: Final = (
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
    "SCRIPT_NAME",
    "HTTP_HOST",
    "REMOTE_ADDR",
    "wsgi.url_scheme",
    "wsgi.version",
    "wsgi.errors",
    "wsgi.multithread",
    "wsgi.multiprocess",
    "wsgi.run_once",
)


def answer_within(method: str, path: str, query: str = "", body: bytes = b"", media_type: str = MEDIA_TYPE) -> Response:
    """The answer to the request; ``path`` is that of a whole address."""
    environment: dict[str, Any] = {name: request.environ[name] for name in KEPT if name in request.environ} | {
        "REQUEST_METHOD": method,
        # As servers hand it over: its bytes, one in each character.
        "PATH_INFO": path.encode().decode("latin1"),
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": media_type,
        "HTTP_ACCEPT": MEDIA_TYPE,
        "HTTP_X_REQUEST_ID": request_id(),
        "wsgi.input": BytesIO(body),
        SIGNED_IN: caller(),
    }
    # The request takes a connection of its own.
    release_reader()
    application = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - as Flask's docs say
    # A context of its own, so that nothing that the request notes in ``g`` is mixed with that of the outer one.
    with application.app_context(), application.request_context(environment):
        answer: Response = application.full_dispatch_request()
        answer.make_sequence()
    return answer
