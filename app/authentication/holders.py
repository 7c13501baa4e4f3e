"""The users who answer for tokens of projects."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists
from sqlalchemy.orm import aliased

from app.models.organization_memberships import OrganizationMembership
from app.models.users import User

_Holding, _Holder = aliased(OrganizationMembership), aliased(User)


def has_no_holder(membership_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the user who answers for the token has left the organization or is suspended."""
    holder = exists().where(
        _Holding.id == membership_id,
        _Holding.status == "active",
        _Holder.id == _Holding.user_id,
        _Holder.suspended_at.is_(None),
    )
    return and_(membership_id.is_not(None), ~holder)
