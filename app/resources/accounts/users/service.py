"""Use cases of users: each checks the caller, changes in one transaction and records its event."""

from typing import Any

from app.authz.permissions import P
from app.jsonapi.errors import Conflict
from app.models.users import SUPER_USER, User
from app.resources.accounts.sign_in.operations import end_sessions
from app.resources.accounts.sign_in.throttle import ATTEMPTS
from app.resources.accounts.users.operations import (
    keep_a_super_user,
    normalize_account,
)
from app.web.policy import get_for_update
from app.web.transaction import apply_changes, record_event, transaction


def update_account(user_id: str, members: dict[str, Any]) -> None:
    """Change your username, or ask for another e-mail address, which an operator must confirm."""
    with transaction() as session:
        user = get_for_update(session, User, user_id, P.ACCOUNT_UPDATE, visible_by=P.ACCOUNT_UPDATE)
        changes = apply_changes(user, normalize_account(members, user))
        session.flush()
        if changes:
            record_event(session, "users.update", user, changes)


def update_password(user_id: str, stored: str | None, wanted: str, *, account: str, address: str) -> None:
    """Replace the password hash ``stored`` by ``wanted``, end the user's sessions and delete wrong attempts.

    ``account`` and ``address`` are those by which the attempts were counted.
    """
    with transaction() as session:
        user = get_for_update(session, User, user_id, P.ACCOUNT_UPDATE, visible_by=P.ACCOUNT_UPDATE)
        if user.password_hash != stored:
            raise Conflict("The password was changed by another request meanwhile")
        user.password_hash = wanted
        session.flush()
        ATTEMPTS.undo(session, account=account, address=address)
        end_sessions(session, user_id)
        record_event(session, "users.change-password", user)


def update_user(user_id: str, members: dict[str, Any]) -> None:
    """Give a user another site role: user, admin or super_user. The last super user can't lose this role."""
    with transaction() as session:
        # Before the user's row is locked, because it may be one of the rows that this locks in a fixed order.
        if members.get("site_role", SUPER_USER) != SUPER_USER:
            keep_a_super_user(session, user_id, pointer="/data/attributes/site-role")
        user = get_for_update(session, User, user_id, P.SITE_ROLE_MANAGE, visible_by=P.SITE_ROLE_MANAGE)
        changes = apply_changes(user, members)
        session.flush()
        if changes:
            record_event(session, "users.update", user, changes)
