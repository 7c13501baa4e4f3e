"""Reading memberships of organizations."""

from collections.abc import Sequence
from typing import Any

from flask import request
from sqlalchemy import ScalarSelect, bindparam, exists, false, func, select

from app.authz.permissions import P
from app.models.organization_memberships import STATUSES, OrganizationMembership
from app.models.organizations import Organization
from app.models.teams import Team, TeamMember
from app.models.users import KNOWN_AS, User
from app.persistence import Expression, case_folded
from app.resources.organizations.organization_memberships.filters import InStatus, PersonAt, PersonWith
from app.resources.organizations.organization_memberships.schema import (
    FoundMembershipSchema,
    OrganizationMembershipSchema,
)
from app.resources.organizations.teams.linked import TeamMemberLinks
from app.web.context import caller, reader
from app.web.filters import Contains, Filter, FilterClause, Holds, OneOf
from app.web.listing import Listing, plain
from app.web.policy import visible


def _of_user(column: Expression) -> ScalarSelect[Any]:
    # Filters and orders use only the membership's table; the users are joined after the page is selected.
    return (
        select(column)
        .where(User.id == OrganizationMembership.user_id)
        .correlate(OrganizationMembership)
        .scalar_subquery()
    )


_EMAIL = _of_user(User.email)
_STATUS = InStatus()
# There are no service accounts among the users.
_IS_SERVICE_ACCOUNT = Holds("filter[is_service_account]", false())

_IN_TEAM = exists().where(
    TeamMember.membership_id == OrganizationMembership.id,
    TeamMember.team_id == bindparam("team_id"),
)

MEMBERSHIP_LINKS = TeamMemberLinks(
    owner_id=TeamMember.membership_id,
    related_id=TeamMember.team_id,
    other=Team,
    # Callers who can't see a secret team don't see its id either.
    condition=lambda: visible(P.TEAM_READ, Team),
    columns=lambda: {"linked_id": Team.id},
    lists={"team_ids": lambda links: [link.linked_id for link in links]},
)

_COLUMNS: dict[str, Expression] = {
    **plain(OrganizationMembership, "id organization_id"),
    "organization_name": Organization.name,
    **plain(OrganizationMembership, "user_id status"),
    "email": User.email,
    "created_at": OrganizationMembership.created_at,
}
MEMBERSHIPS = Listing(
    schema=OrganizationMembershipSchema,
    model=OrganizationMembership,
    columns=_COLUMNS,
    joined=OrganizationMembership.__table__.join(Organization.__table__).join(User.__table__),
    order=(OrganizationMembership.created_at, OrganizationMembership.id),
    sorts={"status": (OrganizationMembership.status,), "email": (case_folded(_EMAIL),)},
    parents={"team_id": _IN_TEAM},
    filters=(_STATUS, Contains("q", (_of_user(KNOWN_AS), _EMAIL)), OneOf("filter[email]", _EMAIL), _IS_SERVICE_ACCOUNT),
    complete=MEMBERSHIP_LINKS,
)


# The people whom a caller may add to a project or a workspace: active members, without their addresses.
FOUND_MEMBERSHIPS = Listing(
    schema=FoundMembershipSchema,
    model=OrganizationMembership,
    visible_by=P.MEMBERSHIP_FIND,
    columns=_COLUMNS,
    joined=OrganizationMembership.__table__.join(Organization.__table__).join(User.__table__),
    order=(OrganizationMembership.created_at, OrganizationMembership.id),
    filters=(_STATUS, PersonWith(), PersonAt(), _IS_SERVICE_ACCOUNT),
    complete=MEMBERSHIP_LINKS,
)
ACTIVE = FilterClause("active", lambda: [OrganizationMembership.status == "active"])


def status_counts(
    organization_id: str, listing: Listing = MEMBERSHIPS, extra_filters: Sequence[FilterClause] = ()
) -> dict[str, int]:
    """How many memberships in the listing have each status, counted without the filter on the status."""
    statement = (
        select(OrganizationMembership.status, func.count().label("memberships"))
        .where(
            visible(listing.permission, OrganizationMembership),
            OrganizationMembership.organization_id == organization_id,
        )
        .group_by(OrganizationMembership.status)
    )
    arguments = listing.parameters.understand(request.args)
    others: list[Filter] = [each for each in listing.filters if each is not _STATUS]
    clauses = [*extra_filters, *(each.parse(arguments, caller(), organization_id) for each in others)]
    values: dict[str, Any] = {}
    for clause in clauses:
        if clause is not None:
            statement = statement.where(*clause.conditions())
            values |= clause.parameters
    counted = {row.status: row.memberships for row in reader().execute(statement, values)}
    return {"total": sum(counted.values()), **{status: counted.get(status, 0) for status in STATUSES}}
