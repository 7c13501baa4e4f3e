"""Making an account on the page of an invitation, for whoever has its link."""

import re
from typing import Final

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authentication.passwords import MAXIMUM_LENGTH, MINIMUM_LENGTH, hash_password
from app.authentication.tokens import digest
from app.jsonapi.errors import Conflict, NotFound, TooManyRequests
from app.models.invitations import Invitation
from app.models.users import User
from app.persistence import AnyRow, case_folded, fold_case, now
from app.persistence.identifiers import random_text
from app.resources.access.invitations.links import check_nonce, parse_token
from app.resources.access.invitations.operations import InvitationExpired, check_waiting
from app.resources.access.invitations.service import fulfil, lock_target
from app.resources.accounts.sign_in.browser import cookie_digest, renew_cookie
from app.resources.accounts.sign_in.operations import end_session, open_session
from app.resources.accounts.sign_in.service import seconds_to_wait
from app.resources.accounts.sign_in.throttle import ATTEMPTS, address_to_count
from app.resources.accounts.users.schema import USERNAME_LENGTH, USERNAME_PATTERN
from app.resources.organizations.organization_memberships.operations import accept_invitations
from app.services import services
from app.web.context import reader, release_reader, set_caller
from app.web.transaction import created_changes, record_event, transaction

# No address ends so (RFC 2606). An account has it until the address that it was made for is confirmed.
UNCONFIRMED: Final = "unconfirmed.invalid"
USERNAME: Final = re.compile(USERNAME_PATTERN)


class AddressHasAccount(Conflict):
    """The address of the invitation belongs to a user, who can sign in instead."""

    code = "address-has-account"
    detail = "The address of the invitation has an account already. Sign in with it"


class TooManyAccounts(TooManyRequests):
    """Somebody tries user names, or makes accounts by a program."""

    code = "too-many-accounts"
    detail = "Too many attempts to make an account; try again later"


def is_open() -> bool:
    """Whether whoever has the link of an invitation may make an account."""
    return services().settings.sign_up == "invited"


def fault_of(username: str, password: str, again: str) -> str | None:
    """What is wrong with the user name or the password; None if they can be taken."""
    if not USERNAME.fullmatch(username):
        return (
            f"A user name has 1 to {USERNAME_LENGTH} letters, digits, dots, hyphens and underscores, "
            "and begins with a letter or digit."
        )
    if not MINIMUM_LENGTH <= len(password) <= MAXIMUM_LENGTH:
        return f"A password has {MINIMUM_LENGTH} to {MAXIMUM_LENGTH} characters."
    if password != again:
        return "The two passwords are not the same."
    return None


def sign_up(token: str, username: str, password: str) -> None:
    """Make an account, accept the invitation with it, and sign the browser in. An invitation makes one account.

    The account gets the address of the invitation if the link was mailed there. Otherwise whoever invited has passed
    the link on, and could have kept it: then the address waits to be confirmed by an operator, as every new address
    does, and nothing that was promised to the address is given to the account, except this invitation.
    """
    identifier, nonce = parse_token(token)
    # Before the slow hash: a link that is good for nothing makes no work.
    columns = Invitation.__table__.c
    found = select(columns.nonce, columns.status, columns.expires_at).where(columns.id == identifier)
    _check(reader().execute(found).one_or_none(), nonce)
    account, address = _counted(identifier)
    seconds = seconds_to_wait(account, address)
    if seconds:
        raise TooManyAccounts.for_seconds(seconds)
    release_reader()
    hashed = hash_password(password)
    before = cookie_digest()
    renew_cookie()
    with transaction() as session:
        lock_target(session, identifier)
        invitation = session.scalars(
            select(Invitation).where(Invitation.__table__.c.id == identifier).with_for_update(of=Invitation)
        ).one_or_none()
        _check(invitation, nonce)
        assert invitation is not None
        user = _new_account(session, username, hashed, invitation)
        fulfil(session, invitation, user.id)
        ATTEMPTS.undo(session, account=account, address=address)
        end_session(session, before)
        open_session(session, user.id, cookie_digest())
        record_event(session, "users.sign-in", user)


def _check(invitation: AnyRow, nonce: str) -> None:
    if invitation is None:
        raise NotFound
    check_nonce(invitation, nonce)
    check_waiting(invitation)
    if invitation.expires_at <= now():
        raise InvitationExpired


def _counted(invitation_id: str) -> tuple[str, str]:
    """The account and address by which attempts are counted, apart from those to sign in."""
    key = services().settings.secret_key
    return digest(f"sign-up {invitation_id}", key), address_to_count(request.remote_addr)


def _new_account(session: Session, username: str, hashed: str, invitation: Invitation) -> User:
    is_proven = invitation.sent_at is not None
    found = None
    if is_proven:
        found = session.scalars(
            select(User).where(case_folded(User.email) == fold_case(invitation.email)).with_for_update()
        ).one_or_none()
        if found is not None and (found.invited_at is None or found.suspended_at is not None):
            raise AddressHasAccount
    user = found or User(email=invitation.email if is_proven else f"{random_text()}@{UNCONFIRMED}")
    user.username, user.password_hash = username, hashed
    user.unconfirmed_email = None if is_proven else invitation.email
    # Whatever somebody had made of the placeholder.
    user.site_role = "user"
    session.add(user)
    session.flush()
    set_caller(user.id, username)
    changes = created_changes({"invitation": invitation.id})
    record_event(session, "users.create" if found is None else "users.accept", user, changes)
    for membership in accept_invitations(session, user):
        record_event(session, "organization-memberships.accept", membership, {"status": ["invited", "active"]})
    return user
