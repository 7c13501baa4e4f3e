"""Turns every failure into an error document; an unexpected one becomes a plain 500 with the request's id."""

import logging
from typing import Final

from flask import Flask, Response
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from app.jsonapi.errors import (
    ApiError,
    BadRequest,
    MethodNotAllowed,
    NotFound,
    ServiceUnavailable,
    StorageUnavailable,
    StoredUnreadable,
    TooLarge,
    UnsupportedMediaType,
)
from app.storage.keyring import Unreadable
from app.storage.ledger import Condemned
from app.storage.store import Missing, Unavailable
from app.web.answers import error_document

logger = logging.getLogger(__name__)

_BY_STATUS: Final[dict[int, type[ApiError]]] = {
    kind.status: kind for kind in (BadRequest, NotFound, MethodNotAllowed, TooLarge, UnsupportedMediaType)
}


def install(app: Flask) -> None:
    """Register the handlers."""

    @app.errorhandler(ApiError)
    def of_ours(error: ApiError) -> Response:
        return error_document(error)

    @app.errorhandler(HTTPException)
    def of_werkzeug(error: HTTPException) -> Response:
        status = error.code or 500
        if status < 400:  # noqa: PLR2004 - a redirect is not a failure
            return Response(status=status, headers=list(error.get_headers()))
        kind = _BY_STATUS.get(status, BadRequest if status < 500 else ApiError)  # noqa: PLR2004
        answered = error_document(kind())
        if status == MethodNotAllowed.status:
            answered.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        return answered

    @app.errorhandler(OperationalError)
    def of_the_database(error: OperationalError) -> Response:
        # Lost connections, deadlocks, a database that stayed locked: nothing was changed, and a retry may well work.
        logger.error("the database failed", exc_info=error)
        return error_document(ServiceUnavailable())

    @app.errorhandler(Condemned)
    def of_the_sweep(_error: Condemned) -> Response:
        # It arrived so late that the sweep had given it up: nothing was changed.
        return error_document(ServiceUnavailable())

    @app.errorhandler(Unavailable)
    def of_the_store(error: Unavailable) -> Response:
        # No row names what did not arrive, so that nothing was changed.
        logger.error("the store of objects failed: %s", error.__cause__, exc_info=error)
        return error_document(StorageUnavailable.for_a_moment() if error.is_passing else StorageUnavailable())

    @app.errorhandler(Missing)
    @app.errorhandler(Unreadable)
    def of_what_is_stored(error: Missing | Unreadable) -> Response:
        logger.error("what is stored can't be read: %s", error, exc_info=error)
        return error_document(StoredUnreadable())

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        # The exception's text may quote what a client sent; the log has it, the answer does not.
        logger.error("unexpected failure", exc_info=error)
        return error_document(ApiError())
