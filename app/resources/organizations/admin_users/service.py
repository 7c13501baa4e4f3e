"""Use cases of administering users: each checks the caller, changes in one transaction and records its event."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.models.users import ADMINISTRATORS, User
from app.resources.accounts.users.operations import AdministratorAccount, keep_a_super_user
from app.resources.organizations.admin_users import operations
from app.resources.organizations.admin_users.listing import ADMIN_USERS
from app.resources.organizations.admin_users.operations import (
    Changes,
    OwnAccount,
    change_administration,
    delete_user,
)
from app.web.context import caller
from app.web.listing import ResourceObject
from app.web.policy import get_for_update, is_allowed, require_on_site
from app.web.transaction import record_event, record_events, transaction


def suspend_user(user_id: str) -> ResourceObject:
    """Keep a user out: sessions and tokens end at once."""
    _check_not_own(user_id)
    return _change(user_id, "users.suspend", operations.suspend, is_leaving=True)


def unsuspend_user(user_id: str) -> ResourceObject:
    """Let a suspended user in again."""
    return _change(user_id, "users.unsuspend", operations.unsuspend)


def revoke_tokens(user_id: str) -> ResourceObject:
    """Revoke all tokens of a user and end all sessions."""

    def revoke(session: Session, user: User) -> Changes:
        return {"authentication-tokens": [operations.revoke_tokens(session, user), 0]}

    return _change(user_id, "users.revoke-tokens", revoke)


def grant_admin(user_id: str) -> ResourceObject:
    """Make a user an administrator of the site."""
    require_on_site(P.SITE_ROLE_MANAGE)
    return _change(user_id, "users.update", lambda session, user: change_administration(session, user, "admin"))


def revoke_admin(user_id: str) -> ResourceObject:
    """Make an administrator an ordinary user."""
    require_on_site(P.SITE_ROLE_MANAGE)
    return _change(
        user_id,
        "users.update",
        lambda session, user: change_administration(session, user, "user"),
        is_leaving=True,
    )


def destroy_user(user_id: str) -> None:
    """Delete a user's account with all its access."""
    _check_not_own(user_id)
    with transaction() as session:
        user = _lock(session, user_id, is_leaving=True)
        deletion = delete_user(session, user)
        record_event(session, "users.delete", user, {"username": [user.username, None]})
        record_events(session, "organization-memberships.delete", deletion.memberships)
        record_events(session, "project-members.delete", deletion.roles)
        record_events(session, "workspace-acl-entries.delete", deletion.levels)
        record_events(session, "authentication-tokens.delete", deletion.tokens)
        record_events(session, "workspaces.force-unlock", deletion.locks)


def _change(
    user_id: str, action: str, change: Callable[[Session, User], Changes], *, is_leaving: bool = False
) -> ResourceObject:
    with transaction() as session:
        user = _lock(session, user_id, is_leaving=is_leaving)
        changes = change(session, user)
        record_event(session, action, user, changes)
        return ADMIN_USERS.get_resource({"id": user_id}, session)


def _lock(session: Session, user_id: str, *, is_leaving: bool) -> User:
    """The user, locked. ``is_leaving`` if the service would be left without the user as an administrator."""
    require_on_site(P.USER_ADMINISTER)
    if is_leaving:
        # Before the user's row is locked, because it may be one of the rows that this locks in a fixed order.
        keep_a_super_user(session, user_id)
    user = get_for_update(session, User, user_id, P.USER_ADMINISTER, visible_by=P.USER_ADMINISTER)
    # An administrator who could suspend others would decide who administers the site.
    if user.site_role in ADMINISTRATORS and user_id != caller().user_id and not is_allowed(P.SITE_ROLE_MANAGE, user):
        raise AdministratorAccount
    return user


def _check_not_own(user_id: str) -> None:
    require_on_site(P.USER_ADMINISTER)
    if user_id == caller().user_id:
        raise OwnAccount
