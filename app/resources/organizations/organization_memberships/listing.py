"""Reading memberships of organizations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy import ColumnElement, ScalarSelect, bindparam, exists, false, func, select

from app.authz.permissions import P
from app.models.organization_memberships import STATUSES, OrganizationMembership
from app.models.organizations import Organization
from app.models.teams import Team, TeamMember
from app.models.users import KNOWN_AS, User
from app.persistence import Expression
from app.resources.organizations.organization_memberships.filters import InStatus
from app.resources.organizations.organization_memberships.schema import OrganizationMembershipSchema
from app.resources.organizations.teams.linked import TeamMembershipListing
from app.web.context import caller, reader
from app.web.filters import Contains, Filter, Holds, OneOf
from app.web.policy import visible


@dataclass(frozen=True, kw_only=True, eq=False)
class MembershipListing(TeamMembershipListing):
    """Memberships of an organization, or with ``team_id`` among the parents, those in one team."""

    def _equal(self, conditions: Mapping[str, Any], *, by_index: bool = True) -> list[ColumnElement[bool]]:
        plain = {name: value for name, value in conditions.items() if name != "team_id"}
        own = super()._equal(plain, by_index=by_index)
        if "team_id" not in conditions:
            return own
        in_team = exists().where(
            TeamMember.membership_id == OrganizationMembership.id,
            TeamMember.team_id == bindparam("team_id"),
        )
        return [*own, in_team]


def _of_user(column: Expression) -> ScalarSelect[Any]:
    # Filters and orders see the membership alone; the users are joined when the page is cut.
    return (
        select(column)
        .where(User.id == OrganizationMembership.user_id)
        .correlate(OrganizationMembership)
        .scalar_subquery()
    )


_EMAIL = _of_user(User.email)
_STATUS = InStatus()
_OTHERS: tuple[Filter, ...] = (
    Contains("q", (_of_user(KNOWN_AS), _EMAIL)),
    OneOf("filter[email]", _EMAIL),
    # Users who are programs: there are none.
    Holds("filter[is_service_account]", false()),
)

MEMBERSHIPS = MembershipListing(
    schema=OrganizationMembershipSchema,
    model=OrganizationMembership,
    visible_by=P.MEMBERSHIP_READ,
    columns={
        "id": OrganizationMembership.id,
        "organization_id": OrganizationMembership.organization_id,
        "organization_name": Organization.name,
        "user_id": OrganizationMembership.user_id,
        "status": OrganizationMembership.status,
        "email": User.email,
        "created_at": OrganizationMembership.created_at,
    },
    joined=OrganizationMembership.__table__.join(Organization.__table__).join(User.__table__),
    order=(OrganizationMembership.created_at, OrganizationMembership.id),
    sorts={"status": (OrganizationMembership.status,), "email": (func.lower(_EMAIL),)},
    filters=(_STATUS, *_OTHERS),
    near=TeamMember.membership_id,
    far=TeamMember.team_id,
    other=Team,
    # A secret team stays unknown to whoever sees only its members.
    linked_if=lambda: visible(P.TEAM_READ, Team),
    link_columns={"linked_id": Team.id},
    lists={"team_ids": lambda links: [link.linked_id for link in links]},
)


def status_counts(organization_id: str) -> dict[str, int]:
    """How many memberships of each status there are, counted without the filter on the status."""
    statement = (
        select(OrganizationMembership.status, func.count().label("memberships"))
        .where(
            visible(P.MEMBERSHIP_READ, OrganizationMembership),
            OrganizationMembership.organization_id == organization_id,
        )
        .group_by(OrganizationMembership.status)
    )
    values: dict[str, Any] = {}
    for each in _OTHERS:
        chosen = each.read(request.args, caller(), organization_id)
        if chosen is not None:
            statement = statement.where(*chosen.clauses())
            values |= chosen.parameters
    counted = {row.status: row.memberships for row in reader().execute(statement, values)}
    return {"total": sum(counted.values()), **{status: counted.get(status, 0) for status in STATUSES}}
