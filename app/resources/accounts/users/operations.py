"""The rules of accounts: passwords, e-mail addresses and site roles."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authentication.passwords import hash_password, is_password
from app.jsonapi.errors import Forbidden, InvalidAttribute, TooManyRequests, Unprocessable
from app.models.users import SUPER_USER, User
from app.persistence import case_folded, fold_case


class EmailTaken(ValueError):
    """Another user has this address."""


class NothingToConfirm(ValueError):
    """The user has not asked for another address."""


class AdministratorAccount(Forbidden):
    """Only those who give site roles may act on administrators."""

    code = "administrator-account"
    detail = "The user is an administrator of the site; only a super user may do this to an administrator"


class TooManyPasswords(TooManyRequests):
    """The current password was wrong so often that somebody may be guessing it."""

    code = "too-many-passwords"
    detail = "The current password was wrong too often; try again later"


class LastSuperUser(Unprocessable):
    """The last super user can't lose this role, be suspended or be deleted."""

    code = "last-super-user"
    detail = (
        "The last super user can't have another site role, be suspended or be deleted; "
        "make somebody else a super user first"
    )


def keep_a_super_user(session: Session, leaving_id: str, *, pointer: str | None = None) -> None:
    """Refuse the change that would leave the service without a super user who is not suspended.

    All of them are locked, so that such changes happen one after the other.
    """
    super_users = session.scalars(
        select(User.id)
        .where(User.site_role == SUPER_USER, User.suspended_at.is_(None))
        .order_by(User.id)
        .with_for_update(),
    ).all()
    if list(super_users) == [leaving_id]:
        raise LastSuperUser(pointer=pointer)


def normalize_account(members: Mapping[str, Any], user: User) -> dict[str, Any]:
    """The attributes, with a new address as the unconfirmed one. The current address withdraws an earlier request.

    The answer must not reveal whether another user has the address; that is checked when the address is confirmed.
    """
    normalized = dict(members)
    email = normalized.pop("email", None)
    if email is not None:
        normalized["unconfirmed_email"] = None if fold_case(email) == fold_case(user.email) else email
    return normalized


def confirm_email(session: Session, user: User) -> None:
    """Make the unconfirmed address the user's address."""
    if user.unconfirmed_email is None:
        raise NothingToConfirm("the user has not asked for another e-mail address")
    taken = select(User.id).where(case_folded(User.email) == fold_case(user.unconfirmed_email), User.id != user.id)
    if session.scalar(taken) is not None:
        raise EmailTaken("another user has this e-mail address")
    user.email, user.unconfirmed_email = user.unconfirmed_email, None
    session.flush()


def check_confirmed(members: Mapping[str, Any]) -> None:
    """Refuse a new password that differs from its confirmation."""
    if members["password"] != members["password_confirmation"]:
        raise InvalidAttribute(
            "Password confirmation doesn't match Password",
            pointer="/data/attributes/password_confirmation",
        )


def new_hash(members: Mapping[str, Any], stored: str | None) -> str:
    """The hash of the new password, if the request may set it. Slow, so don't call it within a transaction.

    A user without a password sets the first one with only a token.
    """
    if stored is not None and not is_password(members.get("current_password") or "", stored):
        raise InvalidAttribute("Current password is invalid", pointer="/data/attributes/current_password")
    return hash_password(members["password"])
