"""Members of an organization who get a role or a level in it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import FromClause, ScalarSelect, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import InvalidAttribute
from app.models.organization_memberships import OrganizationMembership
from app.models.users import User
from app.persistence import Expression, case_folded, fold_case


class NotAMember(InvalidAttribute):
    """The user is not an active member of the organization, or does not exist."""

    code = "not-a-member"
    pointer = "/data/relationships/user"
    detail = "User is not an active member of the organization"


class WhichUser(InvalidAttribute):
    """The request names nobody, or names somebody twice."""

    code = "which-user"
    pointer = "/data/relationships/user"
    detail = "Name the user in exactly one way: by the relationship user, or by the attribute username or email"


# The ways to name a member in a request: what was sent, the column, and where it stands.
_WAYS = {
    "user_id": (User.__table__.c.id, NotAMember.pointer),
    "username": (case_folded(User.__table__.c.username), "/data/attributes/username"),
    "email": (case_folded(User.__table__.c.email), "/data/attributes/email"),
}


@dataclass(frozen=True, slots=True)
class Member:
    """An active member of an organization."""

    membership_id: str
    username: str


def pop_member(session: Session, organization_id: str, members: dict[str, Any]) -> Member:
    """Remove from ``members`` how the user is named, by id, username or e-mail address, and return the active member.

    The membership is locked against deletion until the transaction ends.
    """
    named = [(way, value) for way in _WAYS if (value := members.pop(way, None)) is not None]
    if len(named) != 1:
        raise WhichUser
    [(way, value)] = named
    column, pointer = _WAYS[way]
    row = session.execute(
        select(OrganizationMembership.id, User.username)
        .join(User, User.id == OrganizationMembership.user_id)
        .where(
            OrganizationMembership.organization_id == organization_id,
            column == (value if way == "user_id" else fold_case(value)),
            OrganizationMembership.status == "active",
        )
        .with_for_update(of=OrganizationMembership, read=True, key_share=True),
    ).one_or_none()
    if row is None:
        raise NotAMember(pointer=pointer)
    return Member(row.id, row.username)


def with_users(table: FromClause, membership_id: Expression) -> FromClause:
    """The table, joined with the memberships that it refers to, and with their users."""
    joined = table.join(OrganizationMembership.__table__, OrganizationMembership.id == membership_id)
    return joined.join(User.__table__, User.id == OrganizationMembership.user_id)


def of_user(column: Expression, membership_id: Expression, table: FromClause) -> ScalarSelect[Any]:
    """A column of the row's user, for filters and orders that can use only the table's own columns."""
    return (
        select(column)
        .join(OrganizationMembership, OrganizationMembership.user_id == User.id)
        .where(OrganizationMembership.id == membership_id)
        .correlate(table)
        .scalar_subquery()
    )


def username_of(session: Session, membership_id: str) -> str:
    """The username of the member."""
    return session.execute(
        select(User.username)
        .join(OrganizationMembership, OrganizationMembership.user_id == User.id)
        .where(OrganizationMembership.id == membership_id),
    ).scalar_one()
