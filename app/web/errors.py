"""Turns every failure into an error document; an unexpected one becomes a plain 500 with the request's id."""

import logging
from typing import Final

from flask import Flask, Response, request
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
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
    Unauthorized,
    UnsupportedMediaType,
)
from app.storage.keyring import DecryptionError
from app.storage.ledger import MarkedForDeletion
from app.storage.store import ObjectNotFound, StoreUnavailable
from app.web.answers import error_document
from app.web.not_built import not_built
from app.web.seldom import SeldomLog

logger = logging.getLogger(__name__)

# In an outage each request fails in the same way.
_database_failures = SeldomLog(logger, "the database failed")
_store_failures = SeldomLog(logger, "the store of objects failed")

_BY_STATUS: Final[dict[int, type[ApiError]]] = {
    kind.status: kind for kind in (BadRequest, NotFound, MethodNotAllowed, TooLarge, UnsupportedMediaType)
}


def install(app: Flask) -> None:
    """Register the handlers."""

    @app.errorhandler(ApiError)
    def handle_api_error(error: ApiError) -> Response:
        return error_document(error)

    @app.errorhandler(HTTPException)
    def handle_http_exception(error: HTTPException) -> Response:
        status = error.code or 500
        if status < 400:  # noqa: PLR2004 - a redirect is not a failure
            return Response(status=status, headers=list(error.get_headers()))
        lacking = not_built(request.method, request.path) if request.routing_exception is error else None
        if lacking is not None:
            return error_document(lacking if "Authorization" in request.headers else Unauthorized())
        kind = _BY_STATUS.get(status, BadRequest if status < 500 else ApiError)  # noqa: PLR2004
        limit = request.max_content_length
        # A length that was not announced is found out while the body is read.
        answered = error_document(TooLarge.beyond(limit) if kind is TooLarge and limit is not None else kind())
        if status == MethodNotAllowed.status:
            answered.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        return answered

    @app.errorhandler(MarkedForDeletion)
    def handle_marked_for_deletion(_error: MarkedForDeletion) -> Response:
        # The object arrived so late that the sweep had marked it for deletion: nothing was changed.
        return error_document(ServiceUnavailable())

    @app.errorhandler(StoreUnavailable)
    def handle_store_failure(error: StoreUnavailable) -> Response:
        # No row names an object that did not arrive, so nothing was changed.
        _store_failures.note(error, why=str(error.__cause__))
        return error_document(StorageUnavailable.for_a_moment() if error.is_transient else StorageUnavailable())

    @app.errorhandler(ObjectNotFound)
    @app.errorhandler(DecryptionError)
    def handle_unreadable_object(error: ObjectNotFound | DecryptionError) -> Response:
        logger.error("what is stored can't be read: %s", error, exc_info=error)
        return error_document(StoredUnreadable())

    app.register_error_handler(DBAPIError, _handle_database_failure)
    app.register_error_handler(PoolTimeoutError, _handle_database_failure)
    app.register_error_handler(Exception, _handle_unexpected)


def answer_failure(error: Exception) -> Response:
    """The answer to a failure that nobody expects, which is logged; for pages, which show its status."""
    is_of_database = isinstance(error, DBAPIError | PoolTimeoutError)
    return _handle_database_failure(error) if is_of_database else _handle_unexpected(error)


def _handle_database_failure(error: Exception) -> Response:
    # The drivers don't agree on the class of the error when a connection is lost.
    is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if not (is_lost or isinstance(error, OperationalError | PoolTimeoutError)):
        return _handle_unexpected(error)
    # Lost connections, deadlocks, time-outs, a database that stayed locked: nothing was changed, and a
    # retry may succeed.
    _database_failures.note(error)
    return error_document(ServiceUnavailable())


def _handle_unexpected(error: Exception) -> Response:
    # The exception's text may quote what a client sent; the log has it, the answer does not.
    logger.error("unexpected failure", exc_info=error)
    return error_document(ApiError())
