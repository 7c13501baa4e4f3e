"""Compressed answers, for clients that accept them: lists and descriptions shrink to a tenth.

Only documents that are read, and what the console loads besides its pages. Pages hold the secret of their forms beside
text that somebody else may have chosen, and answers to writes may hold a token: the length of a compressed answer would
tell about them (the attack is called BREACH).
"""

from typing import Final

from flask import Flask, Response, request
from flask_compress import Compress

from app.jsonapi import MEDIA_TYPE
from app.web.conditions import READING

LEAST_BYTES: Final = 1024
TYPES: Final = frozenset({MEDIA_TYPE, "application/json", "text/css", "text/javascript", "image/svg+xml"})
OK: Final = 200


def install(app: Flask) -> None:
    """Compress what may be compressed."""
    app.config.update(
        COMPRESS_REGISTER=False,
        COMPRESS_ALGORITHM=["zstd", "gzip"],
        COMPRESS_MIMETYPES=sorted(TYPES),
        COMPRESS_MIN_SIZE=LEAST_BYTES,
        # Each level more takes longer than the network saves.
        COMPRESS_LEVEL=1,
        COMPRESS_STREAMS=False,
        # Conditions are answered before: see app.web.conditions.
        COMPRESS_EVALUATE_CONDITIONAL_REQUEST=False,
    )
    compress = Compress(app)

    @app.after_request
    def compress_document(response: Response) -> Response:
        if response.status_code != OK or request.method not in READING or response.mimetype not in TYPES:
            return response
        if "HTTP_ACCEPT_ENCODING" in request.environ:
            return compress.after_request(response)
        response.headers["Vary"] = "Accept-Encoding"
        return response
