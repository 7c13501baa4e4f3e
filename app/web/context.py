"""The context of the request: its id, the caller, and the connection for reading."""

import re
import secrets
from collections.abc import Sequence
from typing import cast

from flask import g, request
from sqlalchemy import Connection

from app.authentication.callers import (
    Caller,
    TokenRow,
    load_caller,
    load_caller_with_sources,
    nobody,
    signed_in_as,
    signed_in_user,
)
from app.authentication.run_callers import load_run_caller
from app.authentication.task_callers import load_task_caller
from app.authentication.tokens import is_run_token, result_of_token
from app.jsonapi.errors import Unauthorized
from app.services import services
from app.web.rate_limits import limits_of_app

# The kind and the name of the service as an actor.
SERVICE = "service"
# The key of a WSGI environment for a caller who is known already. No header of a client can set it.
SIGNED_IN = "groundplan.signed_in"
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")


def request_id() -> str:
    """The id of this request: the one that a proxy sent, if it is harmless in a log, or a new one."""
    found: str | None = g.get("request_id")
    if found is None:
        given = request.environ.get("HTTP_X_REQUEST_ID", "")
        found = g.request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
    return found


def reader() -> Connection:
    """This request's connection for reading, which its thread keeps. Each statement is a transaction of its own."""
    found: Connection | None = g.get("reader")
    if found is None:
        if (waiting := g.get("waiting")) is not None:
            # What the request has written is not committed yet, and its answer shows it.
            return cast("Connection", waiting.session.connection())
        found = g.reader = services().engines.own_reader()
    return found


def release_reader() -> None:
    """End reading: at the end, or before a transaction begins on another connection."""
    connection: Connection | None = g.pop("reader", None)
    # Otherwise there is nothing to end: each statement was a transaction.
    if connection is not None and connection.invalidated:
        connection.close()


def authenticate(*, anonymous: bool = False) -> None:
    """Load the caller from the bearer token, or answer 401.

    With ``anonymous``, a request without a token is accepted, and its caller sees only what is public.

    A page for people makes its requests in this process, with a caller who has signed in.
    """
    environ = request.environ
    if (signed_in := environ.get(SIGNED_IN)) is not None:
        g.caller = signed_in
        return
    authorization: str = environ.get("HTTP_AUTHORIZATION", "")
    if anonymous and "HTTP_AUTHORIZATION" not in environ:
        g.caller = nobody()
        return
    limits = limits_of_app()
    if limits is not None:
        limits.check_before(authorization)
    scheme, _, token = authorization.partition(" ")
    caller = None
    if scheme.lower() == "bearer":
        caller = _load_caller(token.strip())
    if caller is None:
        raise Unauthorized
    if limits is not None:
        limits.check(caller, authorization)
    g.caller = caller


def _load_caller(token: str) -> Caller | None:
    key, connection = services().settings.secret_key, reader()
    found = load_run_caller(connection, token, key) if is_run_token(token) else None
    if found is None and (result_id := result_of_token(token, key)) is not None:
        found = load_task_caller(connection, result_id)
    return found or load_caller(
        connection,
        token,
        key,
        users_create_organizations=_users_create_organizations(),
        address=request.environ.get("REMOTE_ADDR"),
    )


def caller_with_sources(type_: str, identifier: str) -> Caller | None:
    """The user, team or token with this id as a caller whose grants have their sources."""
    return load_caller_with_sources(
        reader(), type_, identifier, users_create_organizations=_users_create_organizations()
    )


def _users_create_organizations() -> bool:
    return services().settings.organization_creation == "users"


def caller() -> Caller:
    """The caller of this request. Only for views that require a permission."""
    return cast("Caller", g.caller)


def signed_in_caller(rows: Sequence[TokenRow]) -> Caller | None:
    """The user of these rows, who has signed in with a password, with all grants; None if the user is suspended."""
    return signed_in_user(reader(), rows, users_create_organizations=_users_create_organizations())


def set_caller(user_id: str, username: str) -> None:
    """Make a user who has signed in with a password the caller of this request and the actor in its events."""
    g.caller = signed_in_as(user_id, username)


def act_as_service() -> None:
    """Make the service itself the actor in events, outside any request: nobody asked for what it does."""
    act_without_request(Caller(SERVICE, "", SERVICE, token_id=None))


def act_without_request(who: Caller) -> None:
    """Make this caller the actor in events, outside any request."""
    g.caller = who
    g.request_id = secrets.token_hex(16)


def act_for(who: Caller) -> None:
    """Make the caller who got a signed address the caller of this request, who is the actor in its events."""
    g.caller = who


def forbid_retry() -> None:
    """Note that the request can't be repeated: it has committed a transaction, or its body can't be read again."""
    g.is_not_repeatable = True


def is_repeatable() -> bool:
    """Whether the request can still be repeated."""
    return "is_not_repeatable" not in g
