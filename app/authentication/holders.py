"""The users who answer for tokens of projects."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlalchemy.orm import aliased

from app.models.expiring_grants import has_expired
from app.models.organization_memberships import OrganizationMembership
from app.models.project_members import ProjectMember
from app.models.users import User

_Holding, _Holder = aliased(OrganizationMembership), aliased(User)


_Role = ProjectMember.__table__.alias("ended_role").c


def has_no_holder(membership_id: ColumnElement[Any], project_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the user who answers for the token has left the organization or is suspended.

    Or their role in the whole project has ended: the tokens of the project end with it.
    """
    ended = exists().where(
        _Role.membership_id == membership_id,
        _Role.project_id == project_id,
        _Role.environment_id.is_(None),
        _Role.cells.is_(None),
        has_expired(_Role),
    )
    holder = exists().where(
        _Holding.id == membership_id,
        _Holding.status == "active",
        _Holder.id == _Holding.user_id,
        _Holder.suspended_at.is_(None),
    )
    return and_(membership_id.is_not(None), or_(~holder, ended))
