"""Use cases of sign in: each checks the caller, changes in one transaction and records its event."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from app.authentication.passwords import hash_password, is_outdated
from app.authentication.tokens import digest
from app.authz.permissions import P
from app.models.users import User
from app.resources.accounts.authentication_tokens.blueprint import make_token
from app.resources.accounts.authentication_tokens.operations import check_room
from app.resources.accounts.sign_in.browser import cookie_digest, renew_cookie, signed_in_user
from app.resources.accounts.sign_in.operations import (
    UNKNOWN_CODE,
    Found,
    end_session,
    fault_of,
    grant,
    open_session,
    sessions_of,
    take_code,
)
from app.resources.accounts.sign_in.throttle import ATTEMPTS, new_attempt_id
from app.resources.accounts.sign_in.tokens import token_name
from app.services import services
from app.web.context import reader, release_reader, set_caller
from app.web.policy import require_own
from app.web.transaction import record_event, transaction

# So much of a session's digest names it among those of one user.
KEY_LENGTH: Final = 16


def seconds_to_wait(account: str, address: str) -> int:
    """Register an attempt and return 0, or return how long to wait if there were too many."""
    attempt = {"id": new_attempt_id(), "account": account, "address": address}
    # A flood of guesses ends here, and keeps no writer waiting.
    if seconds := ATTEMPTS.delay(reader(), [attempt]):
        return seconds
    with transaction(at_once=True) as session:
        ATTEMPTS.register(session, [attempt])
    seconds = ATTEMPTS.delay(reader(), [attempt], registered=1)
    # Hashing takes long, and other requests need the connection meanwhile.
    release_reader()
    if seconds:
        with transaction(at_once=True) as session:
            ATTEMPTS.undo(session, id=attempt["id"])
    return seconds


def sign_in(found: Found, password: str, account: str, address: str) -> bool:
    """Open a session with a new cookie; False if the user is suspended, or the password was changed meanwhile.

    ``account`` and ``address`` are those by which the attempt was registered.
    """
    renewed = hash_password(password) if is_outdated(found.password_hash) else found.password_hash
    before = cookie_digest()
    renew_cookie()
    set_caller(found.id, found.username)
    with transaction() as session:
        # A change of the password locks the row, too: either it ends this session, or its new hash is read here. So
        # does a suspension.
        user = session.scalars(
            select(User)
            .where(
                User.__table__.c.id == found.id,
                User.password_hash == found.password_hash,
                User.suspended_at.is_(None),
            )
            .with_for_update(),
        ).one_or_none()
        if user is None:
            return False
        user.password_hash = renewed
        ATTEMPTS.undo(session, account=account, address=address)
        end_session(session, before)
        open_session(session, user.id, cookie_digest())
        record_event(session, "users.sign-in", user)
    return True


def sign_out() -> None:
    """End the session of this browser, if it has one, and give it a new cookie."""
    who = signed_in_user()
    if who is not None:
        set_caller(who.user_id, who.username)
        with transaction() as session:
            end_session(session, cookie_digest())
            record_event(session, "users.sign-out", session.get_one(User, who.user_id))
    renew_cookie()


@dataclass(frozen=True, slots=True)
class OwnSession:
    """A browser in which the caller is signed in. ``key`` names it, and is good for nothing else."""

    key: str
    created_at: datetime
    expires_at: datetime
    is_this: bool


def own_sessions() -> list[OwnSession]:
    """The calling user's sessions, the newest first."""
    rows = sessions_of(reader(), require_own(P.ACCOUNT_READ))
    here = cookie_digest()
    return [OwnSession(row.digest[:KEY_LENGTH], row.created_at, row.expires_at, row.digest == here) for row in rows]


def end_own_session(key: str) -> bool:
    """End one of the calling user's sessions; False if there is none with this key."""
    user_id = require_own(P.ACCOUNT_UPDATE)
    found = [row.digest for row in sessions_of(reader(), user_id) if row.digest[:KEY_LENGTH] == key]
    if len(found) != 1:
        return False
    release_reader()
    with transaction() as session:
        end_session(session, found[0])
        record_event(session, "users.sign-out", session.get_one(User, user_id))
    return True


def grant_code(code: str, members: Mapping[str, str]) -> bool:
    """Store a code that can be exchanged for a token of this browser's user; False if the session has ended."""
    with transaction() as session:
        return grant(session, cookie_digest(), digest(code, services().settings.secret_key), members)


def redeem_code(code: str, *, client_id: str, redirect_uri: str, verifier: str) -> tuple[str | None, str | None]:
    """Exchange a code that the user has allowed for a token of the user. A code can be used once.

    Returns the text of the token and the fault of the request: one of the two is None.
    """
    text = None
    with transaction() as session:
        taken = take_code(session, digest(code, services().settings.secret_key))
        fault = fault_of(taken, client_id, redirect_uri, verifier)
        if taken is not None and fault is None:
            # A suspension deletes the user's codes. This one may have been taken before, so wait for it.
            user = session.execute(
                select(User.id, User.username)
                .where(User.id == taken.user_id, User.suspended_at.is_(None))
                .with_for_update(read=True),
            ).one_or_none()
            if user is None:
                return None, UNKNOWN_CODE
            set_caller(user.id, user.username)
            check_room(session, user.id)
            text, _ = make_token(session, {"description": token_name()}, user_id=user.id)
    return text, fault
