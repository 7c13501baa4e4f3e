"""Members of an organization who get a role or a level in it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import FromClause, ScalarSelect, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import InvalidAttribute
from app.models.organization_memberships import OrganizationMembership
from app.models.users import User
from app.persistence import Expression


class NotAMember(InvalidAttribute):
    """The user is not an active member of the organization, or does not exist."""

    code = "not-a-member"
    pointer = "/data/relationships/user"
    detail = "User is not an active member of the organization"


@dataclass(frozen=True, slots=True)
class Member:
    """An active member of an organization."""

    membership_id: str
    username: str


def active_member(session: Session, organization_id: str, user_id: str) -> Member:
    """The active member, whose membership is locked against deletion until the transaction ends."""
    row = session.execute(
        select(OrganizationMembership.id, User.username)
        .join(User, User.id == OrganizationMembership.user_id)
        .where(
            OrganizationMembership.organization_id == organization_id,
            OrganizationMembership.user_id == user_id,
            OrganizationMembership.status == "active",
        )
        .with_for_update(of=OrganizationMembership, read=True, key_share=True),
    ).one_or_none()
    if row is None:
        raise NotAMember
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
