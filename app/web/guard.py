"""Declarations of views: the permissions that a view requires, and its part of the API document."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from flask import Response, request
from sqlalchemy.exc import DBAPIError

from app.authentication.callers import ANONYMOUS
from app.authz.permissions import P
from app.jsonapi.errors import BadParameter, NotFound, Unauthorized
from app.jsonapi.query import includes_of
from app.persistence import is_transient
from app.web import idempotency
from app.web.conditions import READING, begin_matching
from app.web.context import authenticate, caller, is_repeatable
from app.web.policy import ensure_policy_was_asked, forget_checks
from app.web.transaction import drop_waiting

if TYPE_CHECKING:
    from app.jsonapi.schema import Schema
    from app.web.listing import Listing

logger = logging.getLogger(__name__)

View = Callable[..., Response]
# In a deadlock, the database aborts only one of the transactions, so the next attempt usually succeeds.
ATTEMPTS = 3
DRY_RUN = "dry-run"
# Whoever writes it so means it.
NEARLY_DRY_RUN = frozenset({DRY_RUN, "dryrun"})
"""The query parameter of a request that is to change nothing and to tell what it would change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A view's part of the API document.

    ``body`` is the schema of the request (or a JSON Schema), ``answer`` that of the answer, which has the ``status``.
    With a ``listing`` the answer is a list with the listing's query parameters; with ``many`` it is a list without
    them, and so is the request, unless ``one_sent``. A list has pages unless ``paged`` is false. ``otherwise`` is the
    schema of the answer for callers who may see less. ``statuses`` are further statuses of success with the same
    answer. ``errors`` are the statuses of errors besides 401 and 404. ``meta`` is the JSON Schema of the document's
    ``meta``. If ``is_plain``, the answer is JSON but not a JSON:API document. ``dry_run`` is the JSON Schema of the
    answer to a dry run, for a view that has one. With ``has_table``, the answer is also given as a table.
    """

    answer: "type[Schema] | dict[str, Any] | None" = None
    status: int = 200
    otherwise: "type[Schema] | None" = None
    statuses: Sequence[int] = ()
    body: "type[Schema] | dict[str, Any] | None" = None
    listing: "Listing | None" = None
    many: bool = False
    one_sent: bool = False
    paged: bool = True
    includes: Sequence[str] = ()
    parameters: Sequence[tuple[str, str]] = ()
    errors: Sequence[int] = ()
    is_partial: bool = False
    is_plain: bool = False
    meta: "dict[str, Any] | None" = None
    dry_run: "dict[str, Any] | None" = None
    has_table: bool = False


def describes(**members: Any) -> Callable[[View], View]:  # noqa: ANN401 - the members of Operation
    """Attach an ``Operation`` with these ``members`` to the view, for the API document."""
    operation = Operation(**members)

    def decorate(view: View) -> View:
        view.operation = operation  # type: ignore[attr-defined]
        return view

    return decorate


def requires(*permissions: P, anonymous: bool = False) -> Callable[[View], View]:
    """Let only authenticated callers use the view, and declare the permissions that it checks.

    The view itself checks them, by the functions of ``app.web.policy`` or a listing, because only the view knows the
    row. A view that answers or commits without any check raises ``PolicyNotAsked``. Tests make sure that every route
    declares its permissions, and that it checks no others.

    With ``anonymous``, the view also accepts requests without a token; a test pins the list of these views. Such a
    request gets 401 for anything that it can't see, like every request without a token.
    """
    if not permissions:
        message = "a route must name the permissions that it requires"
        raise ValueError(message)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **values: Any) -> Response:  # noqa: ANN401 - the view's own
            answer = partial(_answer_checked, partial(_answer, view, anonymous=anonymous), *args, **values)
            if not idempotency.is_to_be_kept():
                return answer()
            authenticate(anonymous=anonymous)
            return idempotency.answer_once(answer)

        guarded.permissions = permissions  # type: ignore[attr-defined]
        guarded.anonymous = anonymous  # type: ignore[attr-defined]
        return guarded

    return decorate


def _answer_checked(answer: View, *args: Any, **values: Any) -> Response:  # noqa: ANN401 - the view's own
    response = _answer_with_retries(answer, *args, **values)
    ensure_policy_was_asked()
    return response


def _answer(view: View, *args: Any, anonymous: bool, **values: Any) -> Response:  # noqa: ANN401 - the view's own
    forget_checks()
    begin_matching()
    authenticate(anonymous=anonymous)
    _refuse_include(view)
    _refuse_dry_run(view)
    try:
        return view(*args, **values)
    except NotFound:
        if caller().kind != ANONYMOUS:
            raise
    raise Unauthorized


def _refuse_include(view: View) -> None:
    # JSON:API: an address that includes nothing refuses to be asked, instead of answering as if there were nothing.
    operation: Operation | None = getattr(view, "operation", None)
    if request.method == "GET" and operation is not None and not operation.includes and not operation.is_plain:
        includes_of(request.args, ())


def _refuse_dry_run(view: View) -> None:
    # A client that asks what a change would do must not make it because the address knows no dry runs.
    if request.method in READING or b"dry" not in request.query_string.lower():
        return
    for name in request.args:
        plain = name.partition("[")[0].lower().replace("_", "-")
        if plain in NEARLY_DRY_RUN and (name != DRY_RUN or len(request.args.getlist(name)) > 1):
            raise BadParameter(f"{name} is not {DRY_RUN}, given once; nothing was changed", parameter=name)
    if DRY_RUN not in request.args:
        return
    operation: Operation | None = getattr(view, "operation", None)
    known = operation is not None and (operation.dry_run or DRY_RUN in dict(operation.parameters))
    if not known:
        raise BadParameter(f"This request has no {DRY_RUN}; nothing was changed", parameter=DRY_RUN)


def _answer_with_retries(answer: View, *args: Any, **values: Any) -> Response:  # noqa: ANN401 - the view's own
    for _ in range(ATTEMPTS - 1):
        try:
            return answer(*args, **values)
        except DBAPIError as error:
            if not (is_transient(error) and is_repeatable()):
                raise
            drop_waiting()
            logger.warning(
                "the database has ended the transaction (%s); the request begins again", type(error.orig).__name__
            )
    return answer(*args, **values)


def open_to_all(view: View) -> View:
    """Mark a view that needs no token. A test pins the list of these views."""
    view.permissions = ()  # type: ignore[attr-defined]
    return view


def any_media_type(view: View) -> View:
    """Mark a view whose body is not a JSON:API document, but bytes or a form."""
    view.any_media_type = True  # type: ignore[attr-defined]
    return view


def answers_jsonapi(view: Callable[..., object]) -> bool:
    """Whether the view answers with a JSON:API document, and not with bytes, a page or nothing."""
    operation: Operation | None = getattr(view, "operation", None)
    if operation is None or operation.is_plain:
        return False
    if operation.listing is not None:
        return True
    return operation.answer is not None and not (
        isinstance(operation.answer, dict) and operation.answer.get("format") == "binary"
    )


def answers_table(view: Callable[..., object]) -> bool:
    """Whether the view also answers with a table."""
    operation: Operation | None = getattr(view, "operation", None)
    return operation is not None and operation.has_table


def takes_any_media_type(view: Callable[..., object]) -> bool:
    """Whether the view is marked by ``any_media_type``."""
    return getattr(view, "any_media_type", False)
