"""What belongs to the request: its id, the caller, a connection for reading, and the checks of permissions."""

import re
import secrets
from collections.abc import Mapping
from typing import TypeVar, cast

from flask import current_app, g, request
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from app.analytics import ANALYTICS, Delivery
from app.authentication.callers import Caller, Home, load_caller, load_traced, nobody, signed_in_as
from app.authz.grants import EVERYBODY, SITE
from app.authz.permissions import P
from app.authz.policy import Level
from app.authz.rules import holds, holds_at, refusal, where
from app.config import Settings
from app.jsonapi.errors import ApiError, Forbidden, NotFound, Unauthorized
from app.models.organizations import Organization
from app.persistence import Base
from app.persistence.engine import Engines

Row = TypeVar("Row", bound=Base)

NOT_AUTHORIZED = "You are not authorized to perform this action"
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")


def settings() -> Settings:
    """The settings of the running application."""
    return cast("Settings", current_app.extensions["groundplan.settings"])


def engines() -> Engines:
    """The database of the running application."""
    return cast("Engines", current_app.extensions["groundplan.engines"])


def analytics() -> Delivery | None:
    """The delivery of events to an outside service; None unless one is configured."""
    return cast("Delivery | None", current_app.extensions[ANALYTICS])


def request_id() -> str:
    """The id of this request: the one that a proxy sent, if it is harmless in a log, or a new one."""
    if "request_id" not in g:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
    return cast("str", g.request_id)


def reader() -> Connection:
    """The connection with which this request reads. Each statement is a transaction of its own."""
    if "reader" not in g:
        g.reader = engines().reading.connect()
    return cast("Connection", g.reader)


def release_reader() -> None:
    """Give the reading connection back: at the end, or before a transaction begins on another connection."""
    connection = g.pop("reader", None)
    if connection is not None:
        connection.close()


def authenticate(*, anonymous: bool = False) -> None:
    """Load the caller from the bearer token, or answer 401.

    With ``anonymous``, a request without a token is let through with a caller who is nobody.
    """
    if anonymous and "Authorization" not in request.headers:
        g.caller = nobody()
        return
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    caller = None
    if scheme.lower() == "bearer":
        caller = load_caller(
            reader(),
            token.strip(),
            settings().secret_key,
            users_create_organizations=_users_create_organizations(),
        )
    if caller is None:
        raise Unauthorized
    g.caller = caller


def traced(type_: str, identifier: str) -> Caller | None:
    """The user, team or token with this id as a caller, with grants that know where they come from."""
    return load_traced(reader(), type_, identifier, users_create_organizations=_users_create_organizations())


def _users_create_organizations() -> bool:
    return settings().organization_creation == "users"


def caller() -> Caller:
    """Whoever sent this request. Only for views that require a permission."""
    return cast("Caller", g.caller)


def act_as(user_id: str, username: str) -> None:
    """Make this user, who has signed in with a password, the caller of this request and the actor in its events."""
    g.caller = signed_in_as(user_id, username)


def not_repeatable() -> None:
    """Note that the request can't be started again: it has committed something, or its body is gone."""
    g.is_not_repeatable = True


def is_repeatable() -> bool:
    """Whether the request can still be started again."""
    return "is_not_repeatable" not in g


def asked() -> None:
    """Note that the policy was asked. A test fails for a view that answers without that."""
    g.policy_asked = True


def refused(permission: P) -> ApiError:
    """The error for a caller who may see something but lacks this permission on it: 403 or 404, as the policy says."""
    if refusal(permission) == Forbidden.status:
        return Forbidden(NOT_AUTHORIZED)
    return NotFound()


def require_on_site(permission: P) -> None:
    """Refuse a caller who does not have the permission on the whole site."""
    asked()
    if permission not in caller().grants.at(Level.SITE, SITE):
        raise refused(permission)


def require_public(permission: P) -> None:
    """Refuse a caller who does not have the permission on what is open to everybody."""
    asked()
    if permission not in caller().grants.at(Level.PUBLIC, EVERYBODY):
        raise refused(permission)


def require_own(permission: P) -> str:
    """The id of the calling user. Refuses a caller who is no user, or lacks the permission on the own account."""
    asked()
    user_id = caller().user_id
    if permission not in caller().grants.at(Level.USER, user_id):
        raise refused(permission)
    return str(user_id)


def enter(organization: str, permission: P) -> Home:
    """The organization with this name, if the caller has the permission in it. It costs a member no statement."""
    asked()
    who = caller()
    name = organization.lower()
    if name in who.closed:
        raise Unauthorized
    home = who.homes.get(name) or _home_on_site(name)
    if home is None:
        raise NotFound
    if not holds_at(who, permission, Level.ORGANIZATION, home.id):
        raise refused(permission)
    return home


def _home_on_site(name: str) -> Home | None:
    # Only somebody whose grants span the site can be let into an organization he does not belong to.
    if P.ORGANIZATION_READ not in caller().grants.at(Level.SITE, SITE):
        return None
    row = (
        reader()
        .execute(select(Organization.id, Organization.name).where(func.lower(Organization.name) == name))
        .one_or_none()
    )
    return Home(row.id, row.name) if row else None


def subject(  # noqa: PLR0913 - what, whose, and how it is kept
    session: Session,
    model: type[Row],
    identifier: str,
    permission: P,
    *,
    visible_by: P,
    is_kept: bool = False,
    below: Mapping[str, str] | None = None,
) -> Row:
    """The row that the request is about to change, locked until the transaction ends.

    404 if it does not exist or the caller may not see it (``visible_by``). If the caller sees it but lacks the
    ``permission``, the status is the policy's.

    With ``is_kept``, others may change the row meanwhile but not delete it. ``below`` are values that the row must have
    in other columns, such as the ids of the parents in the address.
    """
    asked()
    row = session.scalars(
        select(model)
        .where(
            model.__table__.c.id == identifier,
            where(caller(), visible_by, model),
            *(model.__table__.c[name] == value for name, value in (below or {}).items()),
        )
        .with_for_update(of=model, read=is_kept, key_share=is_kept),
    ).one_or_none()
    if row is None:
        raise NotFound
    if not holds(caller(), permission, row):
        raise refused(permission)
    return row
