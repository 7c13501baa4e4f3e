"""What a view says about itself: the permission it requires, and its part of the API document."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from flask import Response
from sqlalchemy.exc import OperationalError

from app.authentication.callers import ANONYMOUS
from app.authz.permissions import P
from app.jsonapi.errors import NotFound, Unauthorized
from app.persistence import is_deadlock
from app.web.context import authenticate, caller, is_repeatable

if TYPE_CHECKING:
    from app.jsonapi.schema import Schema
    from app.web.listing import Listing

logger = logging.getLogger(__name__)

View = Callable[..., Response]
# Of those who wait for each other the database lets all but one go on, so that the next attempt finds the way free.
ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """How a view reads in the API document.

    ``body`` is the schema of what it takes (or a JSON Schema), ``answer`` of what it answers with ``status``; a
    ``listing`` makes the answer a list with the listing's parameters, ``many`` one without; either is a page of it
    unless it is not ``paged``. ``otherwise`` is what those get who may see less, ``statuses`` are further ones of
    success with the same answer. ``errors`` are the statuses beside 401 and 404, ``meta`` is the JSON Schema of what a
    single answer says beside its resource. An ``is_plain`` answer is JSON that is no document of JSON:API.
    """

    answer: "type[Schema] | dict[str, Any] | None" = None
    status: int = 200
    otherwise: "type[Schema] | None" = None
    statuses: Sequence[int] = ()
    body: "type[Schema] | dict[str, Any] | None" = None
    listing: "Listing | None" = None
    many: bool = False
    paged: bool = True
    includes: Sequence[str] = ()
    parameters: Sequence[tuple[str, str]] = ()
    errors: Sequence[int] = ()
    is_partial: bool = False
    is_plain: bool = False
    meta: "dict[str, Any] | None" = None


def describes(**members: Any) -> Callable[[View], View]:  # noqa: ANN401 - the members of Operation
    """Attach the operation's description to the view."""
    operation = Operation(**members)

    def decorate(view: View) -> View:
        view.operation = operation  # type: ignore[attr-defined]
        return view

    return decorate


def requires(*permissions: P, anonymous: bool = False) -> Callable[[View], View]:
    """Let the view run for an authenticated caller only, and name the permissions it asks the policy for.

    An ``anonymous`` one runs without a token as well, for what the policy gives to everybody; a test pins the list of
    them. What such a caller can't see is answered as everywhere without a token.

    The view itself asks, through ``enter``, ``subject`` or a listing, because only it knows on which row; a test
    holds that every route names its permissions and that every successful answer asked.
    """
    if not permissions:
        message = "a route must name the permissions that it requires"
        raise ValueError(message)

    def decorate(view: View) -> View:
        def answer(*args: Any, **values: Any) -> Response:  # noqa: ANN401 - the view's own
            authenticate(anonymous=anonymous)
            try:
                return view(*args, **values)
            except NotFound:
                if caller().kind != ANONYMOUS:
                    raise
            raise Unauthorized

        @wraps(view)
        def guarded(*args: Any, **values: Any) -> Response:  # noqa: ANN401 - the view's own
            for _ in range(ATTEMPTS - 1):
                try:
                    return answer(*args, **values)
                except OperationalError as error:
                    if not (is_deadlock(error) and is_repeatable()):
                        raise
                    logger.warning("the database has ended a deadlock; the request begins again")
            return answer(*args, **values)

        guarded.permissions = permissions  # type: ignore[attr-defined]
        guarded.anonymous = anonymous  # type: ignore[attr-defined]
        return guarded

    return decorate


def open_to_all(view: View) -> View:
    """Mark a view that answers without a token; a test pins the list of them."""
    view.permissions = ()  # type: ignore[attr-defined]
    return view


def any_media_type(view: View) -> View:
    """Mark a view whose body is no document: bytes, or the form of a page."""
    view.any_media_type = True  # type: ignore[attr-defined]
    return view


def takes_any_media_type(view: Callable[..., object]) -> bool:
    """Whether the view is marked so."""
    return getattr(view, "any_media_type", False)
