"""The rules of sessions and of codes. Cookies and codes are passed as keyed digests."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Select,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from app.authentication.callers import loading_user
from app.authentication.tokens import same
from app.models.organization_memberships import OrganizationMembership
from app.models.organizations import Organization
from app.models.sign_in import AuthorizationCode, SignInSession
from app.models.users import User
from app.persistence import Base, case_folded, now

IDLE: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(hours=12)
# The least that an organization can shorten them to. Its owners make anybody with an account a member, unasked, and
# would otherwise keep strangers from working.
SHORTEST: Final = timedelta(minutes=15)
# How stale the end of a session may be, so that not every page causes a write.
NOTED_EVERY: Final = timedelta(minutes=1)
CODE_LIFETIME: Final = timedelta(minutes=2)
# The most sessions that a page lists.
SHOWN: Final = 100
UNKNOWN_CODE: Final = "The code is unknown, was used, or has expired"

_SESSION = Base.metadata.tables[SignInSession.__tablename__]
_CODE = Base.metadata.tables[AuthorizationCode.__tablename__]


Found = Row[*tuple[Any, ...]]


def user_named(connection: Connection, account: str) -> Found | None:
    """The user with this username or e-mail address. There is at most one, because a username has no @."""
    if "\0" in account:
        return None
    named = or_(case_folded(User.username) == account, case_folded(User.email) == account)
    found: Select[*tuple[Any, ...]] = select(User.id, User.username, User.password_hash).where(named)
    return connection.execute(found).one_or_none()


def open_session(session: Session, user_id: str, digest: str) -> None:
    """Store that the user has signed in, and delete the user's sessions that have expired."""
    moment = now()
    session.execute(delete(SignInSession).where(SignInSession.expires_at <= moment))
    limits = session.execute(select(*_limits(literal(user_id)))).one()
    session.add(
        SignInSession(digest=digest, user_id=user_id, created_at=moment, expires_at=_end(moment, moment, limits))
    )
    session.flush()


def find_session(connection: Connection, digest: str) -> Found | None:
    """The signed-in user: ``user_id`` and ``username``. Finding a session prolongs it."""
    moment = now()
    row = connection.execute(
        select(
            _SESSION.c.created_at,
            _SESSION.c.expires_at,
            User.id.label("user_id"),
            User.username,
            *_limits(_SESSION.c.user_id),
        )
        .join(User, User.id == _SESSION.c.user_id)
        .where(_SESSION.c.digest == digest, _SESSION.c.expires_at > moment, User.suspended_at.is_(None)),
    ).one_or_none()
    # An organization may have shortened its sessions since.
    if row is None or row.created_at + _shorter(LONGEST, row.session_remember) <= moment:
        return None
    _prolong(connection, digest, row, moment)
    return row


def find_session_with_grants(connection: Connection, digest: str) -> Sequence[Found]:
    """The rows of ``loading_user`` for the signed-in user, none if there is none. Finding a session prolongs it."""
    moment = now()
    rows = connection.execute(_SESSION_WITH_GRANTS, {"session_digest": digest, "session_moment": moment}).all()
    if not rows or rows[0].created_at + _shorter(LONGEST, rows[0].session_remember) <= moment:
        return []
    _prolong(connection, digest, rows[0], moment)
    return rows


def _limits(user_id: ColumnElement[str]) -> list[ColumnElement[int | None]]:
    """The shortest limits in minutes that the user's organizations set; 0 is none, as for HCP Terraform."""
    return [
        select(func.min(func.nullif(limit, 0)))
        .select_from(Organization)
        .join(OrganizationMembership, OrganizationMembership.organization_id == Organization.id)
        .where(OrganizationMembership.user_id == user_id, OrganizationMembership.status == "active")
        .correlate(_SESSION)
        .scalar_subquery()
        .label(limit.key)
        for limit in (Organization.session_timeout, Organization.session_remember)
    ]


def _of_session(name: str) -> ScalarSelect[Any]:
    """The column of the session with the digest in a parameter, if it has not expired."""
    is_it = _SESSION.c.digest == bindparam("session_digest")
    return select(_SESSION.c[name]).where(is_it, _SESSION.c.expires_at > bindparam("session_moment")).scalar_subquery()


_SESSION_WITH_GRANTS: Final = loading_user(
    _of_session("user_id"),
    _of_session("created_at").label("created_at"),
    _of_session("expires_at").label("expires_at"),
    *_limits(_of_session("user_id")),
)


def _shorter(limit: timedelta, minutes: int | None) -> timedelta:
    return limit if minutes is None else min(limit, max(SHORTEST, timedelta(minutes=minutes)))


def _end(moment: datetime, created_at: datetime, limits: Found) -> datetime:
    """When a session ends that is used now: the service's own limits can be shortened, but not lengthened."""
    idle, longest = _shorter(IDLE, limits.session_timeout), _shorter(LONGEST, limits.session_remember)
    return min(moment + idle, created_at + longest)


def _prolong(connection: Connection, digest: str, row: Found, moment: datetime) -> None:
    end = _end(moment, row.created_at, row)
    if abs(end - row.expires_at) >= NOTED_EVERY:
        connection.execute(update(_SESSION).where(_SESSION.c.digest == digest).values(expires_at=end))


def sessions_of(connection: Connection, user_id: str) -> Sequence[Found]:
    """The sessions of a user that have not expired: ``digest``, ``created_at`` and ``expires_at``, the newest first."""
    found = select(_SESSION.c.digest, _SESSION.c.created_at, _SESSION.c.expires_at)
    own = found.where(_SESSION.c.user_id == user_id, _SESSION.c.expires_at > now())
    return connection.execute(own.order_by(_SESSION.c.created_at.desc()).limit(SHOWN)).all()


def end_session(session: Session, digest: str) -> None:
    """End this session."""
    session.execute(delete(SignInSession).where(SignInSession.digest == digest))


def end_sessions(session: Session, user_id: str) -> None:
    """End all sessions of the user, and delete codes that were not exchanged yet.

    The sessions are deleted first, because a request that makes a code has locked the row of its session.
    """
    session.execute(delete(SignInSession).where(SignInSession.user_id == user_id))
    session.execute(delete(AuthorizationCode).where(AuthorizationCode.user_id == user_id))


def grant(session: Session, session_digest: str, code_digest: str, members: Mapping[str, str]) -> bool:
    """Store a code for the signed-in user; False if the session has ended meanwhile."""
    moment = now()
    held = session.scalars(
        select(SignInSession)
        .where(SignInSession.digest == session_digest, SignInSession.expires_at > moment)
        .with_for_update(),
    ).one_or_none()
    if held is None:
        return False
    session.execute(delete(AuthorizationCode).where(AuthorizationCode.expires_at <= moment))
    expires_at = moment + CODE_LIFETIME
    session.add(AuthorizationCode(digest=code_digest, user_id=held.user_id, expires_at=expires_at, **members))
    session.flush()
    return True


def take_code(session: Session, digest: str) -> Found | None:
    """Delete and return the code, even if it can't be exchanged then. If two requests send one code, one gets it."""
    return session.execute(delete(_CODE).where(_CODE.c.digest == digest).returning(*_CODE.c)).one_or_none()


def fault_of(code: Found | None, client_id: str, redirect_uri: str, verifier: str) -> str | None:
    """The reason why this client can't exchange the code; None if it can."""
    if code is None or code.expires_at <= now():
        return UNKNOWN_CODE
    if (code.client_id, code.redirect_uri) != (client_id, redirect_uri):
        return "The code was made for another client or redirect_uri"
    if not same(challenge_of(verifier), code.code_challenge):
        return "code_verifier is not what code_challenge was made from"
    return None


def challenge_of(verifier: str) -> str:
    """The challenge for a verifier, which the client sends first (method S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
