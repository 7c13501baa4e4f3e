"""Reading users."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, exists, or_, select

from app.authz.permissions import P
from app.jsonapi.dump import compile_dump
from app.jsonapi.errors import NotFound
from app.models.organization_memberships import OrganizationMembership
from app.models.users import ADMINISTRATORS, KNOWN_AS, User
from app.persistence import AnyRow, in_values
from app.resources.accounts.users.schema import AccountSchema, UserSchema
from app.web.context import reader
from app.web.policy import mark_policy_checked, visible


class UserRow(NamedTuple):
    """The values in a user's document; ``email`` and ``site_role`` are None where they are hidden."""

    id: str
    username: str | None
    email: str | None
    is_admin: bool
    is_service_account: bool = False
    creates_organizations: bool = False
    resource_type: str | None = None
    resource_id: str | None = None
    unconfirmed_email: str | None = None
    is_own: bool = False
    site_role: str | None = None


USER_COLUMNS = UserRow._fields
dump_user = compile_dump(UserSchema, USER_COLUMNS)
dump_account = compile_dump(AccountSchema, USER_COLUMNS)


def find_user(user_id: str) -> AnyRow:
    """The user, if it is the caller or shares an organization with the caller; else 404."""
    mark_policy_checked(P.USER_READ)
    row = (
        reader()
        .execute(
            select(User.id, KNOWN_AS.label("username"), User.email, User.unconfirmed_email, User.site_role).where(
                User.id == user_id, _is_seen()
            )
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    return row


def some_users(identifiers: Iterable[str]) -> list[dict[str, Any]]:
    """The resource objects of those of the users that the caller can see, without e-mail addresses."""
    rows = reader().execute(
        select(User.id, User.username, User.site_role)
        .where(in_values(User.__table__.c.id, identifiers), _is_seen())
        .order_by(User.username),
    )
    return [
        dump_user(UserRow(id=row.id, username=row.username, email=None, is_admin=row.site_role in ADMINISTRATORS), None)
        for row in rows
    ]


def _is_seen() -> ColumnElement[bool]:
    shared = exists().where(
        OrganizationMembership.user_id == User.id,
        visible(P.USER_READ, OrganizationMembership),
    )
    return or_(visible(P.USER_READ, User), shared)
