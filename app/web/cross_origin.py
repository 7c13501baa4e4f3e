"""Requests by scripts of other sites (CORS), if the operator names the sites. They need a token like everybody."""

from typing import Final

from flask import Flask, Response, request
from flask_cors import CORS

from app.services import services
from app.web.answers import no_content

API: Final = "/api/"
SENT: Final = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "X-Request-Id",
)
SHOWN: Final = (
    "ETag",
    "Idempotent-Replayed",
    "Location",
    "Retry-After",
    "TFP-API-Version",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-Id",
)
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
# How long a browser remembers what is allowed.
SECONDS: Final = 600


def install(app: Flask) -> None:
    """Let scripts of the sites that are named read answers of the API."""
    origins = services(app).settings.cors_origins
    if not origins:
        return
    CORS(
        app,
        resources={rf"{API}.*": {"origins": list(origins)}},
        methods=METHODS,
        allow_headers=SENT,
        expose_headers=SHOWN,
        max_age=SECONDS,
    )

    @app.before_request
    def answer_preflight() -> Response | None:
        """Answer the question of a browser whether it may send a request; the headers are added to every answer."""
        is_question = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        return no_content() if is_question and request.path.startswith(API) else None
