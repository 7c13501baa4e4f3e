"""Administers users by commands, for operators: the same rules as ``/api/v2/admin/users``, without a caller."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.bootstrap import record_event
from app.jsonapi.errors import ApiError
from app.models.users import User
from app.persistence import case_folded, fold_case
from app.persistence.database import new_session
from app.resources.accounts.users.operations import keep_a_super_user
from app.resources.organizations.admin_users import operations
from app.resources.organizations.admin_users.operations import Changes
from app.resources.organizations.organization_memberships.removal import Left


def list_users(text: str = "") -> Iterator[tuple[str, str, str, str]]:
    """The username, e-mail address, site role and state of the users whose name or address contains the text."""
    with new_session() as session:
        wanted = fold_case(text)
        found = session.scalars(
            select(User)
            .where(
                or_(
                    case_folded(User.username).contains(wanted, autoescape=True),
                    case_folded(User.email).contains(wanted, autoescape=True),
                )
            )
            .order_by(case_folded(User.username))
        )
        for user in found:
            state = "suspended" if user.suspended_at else "invited" if user.invited_at else "active"
            yield "" if user.invited_at else user.username, user.email, user.site_role, state


def suspend_user(account: str) -> None:
    """Keep the user out: sessions and tokens end at once. ``ValueError`` says what is wrong."""
    _change(account, "users.suspend", operations.suspend, is_leaving=True)


def unsuspend_user(account: str) -> None:
    """Let a suspended user in again. ``ValueError`` says what is wrong."""
    _change(account, "users.unsuspend", operations.unsuspend)


def change_administration(account: str, site_role: str) -> None:
    """Make the user an administrator of the site, or an ordinary user. ``ValueError`` says what is wrong."""

    def change(session: Session, user: User) -> Changes:
        return operations.change_administration(session, user, site_role)

    _change(account, "users.update", change, is_leaving=site_role == "user")


def revoke_tokens(account: str) -> int:
    """Revoke all tokens of the user and end all sessions; returns the number of tokens."""
    counts = []

    def revoke(session: Session, user: User) -> Changes:
        counts.append(operations.revoke_tokens(session, user))
        return {"authentication-tokens": [counts[0], 0]}

    _change(account, "users.revoke-tokens", revoke)
    return counts[0]


def delete_user(account: str) -> None:
    """Delete the user's account with all its access. ``ValueError`` says what is wrong."""
    with _locked(account, is_leaving=True) as (session, user):
        deletion = operations.delete_user(session, user)
        record_event(session, "users.delete", user, {"username": [user.username, None]})
        left: dict[str, Left] = {
            "organization-memberships.delete": deletion.memberships,
            "project-members.delete": deletion.roles,
            "workspace-acl-entries.delete": deletion.levels,
            "authentication-tokens.delete": deletion.tokens,
            "workspaces.force-unlock": deletion.locks,
        }
        for action, subjects in left.items():
            for subject, changes in subjects:
                record_event(session, action, subject, changes)


def _change(account: str, action: str, change: Callable[[Session, User], Changes], *, is_leaving: bool = False) -> None:
    with _locked(account, is_leaving=is_leaving) as (session, user):
        record_event(session, action, user, change(session, user))


@contextmanager
def _locked(account: str, *, is_leaving: bool) -> Iterator[tuple[Session, User]]:
    """A transaction with the user, locked, by the username, e-mail address or id."""
    wanted = fold_case(account)
    named = or_(User.id == account, case_folded(User.username) == wanted, case_folded(User.email) == wanted)
    with new_session() as session, session.begin():
        user_id = session.scalar(select(User.id).where(named).order_by(User.id != account).limit(1))
        if user_id is None:
            message = f"there is no user named {account}"
            raise ValueError(message)
        try:
            if is_leaving:
                keep_a_super_user(session, user_id)
            yield session, session.get_one(User, user_id, with_for_update=True)
        except ApiError as error:
            raise ValueError(error.detail) from error
