"""Reading tokens; their digests are never selected."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, literal, or_, select

from app.authz.permissions import P
from app.jsonapi.errors import BadParameter
from app.models.authentication_tokens import AuthenticationToken
from app.models.organization_memberships import OrganizationMembership
from app.models.organizations import Organization
from app.models.teams import Team
from app.persistence import Expression, Timestamp, case_folded, now
from app.resources.accounts.authentication_tokens.schema import (
    AuthenticationTokenSchema,
    NarrowedTokenSchema,
    ProjectTokenSchema,
    TeamTokenSchema,
)
from app.web.filters import Contains, FilterClause, OneOf, TextFilter
from app.web.listing import Listing, ResourceObject, plain

_MAKER = Organization.__table__.alias("maker")
# A time before or after all others stands for a missing one, because the databases order null differently.
_NEVER_USED = literal(datetime(1970, 1, 1, tzinfo=UTC), Timestamp())
_NEVER_EXPIRES = literal(datetime(9999, 12, 31, tzinfo=UTC), Timestamp())
_EXPIRY = func.coalesce(AuthenticationToken.expired_at, _NEVER_EXPIRES)
STATUSES = ("active", "expired")


@dataclass(frozen=True)
class ExpiryStatus(TextFilter):
    """``filter[expiry_status]``: tokens that are still valid (``active``), or those that have expired."""

    parameter: str = "filter[expiry_status]"
    description = f"One of {', '.join(STATUSES)}"

    def clause(self, text: str) -> FilterClause:
        """The token has the status at present; 400 for an unknown status."""
        if text not in STATUSES:
            raise BadParameter(f"{self.parameter} must be one of {', '.join(STATUSES)}", parameter=self.parameter)
        moment = bindparam("expiry_moment", type_=Timestamp())
        expired = AuthenticationToken.expired_at <= moment
        active = or_(AuthenticationToken.expired_at.is_(None), AuthenticationToken.expired_at > moment)
        return FilterClause(
            ("expiry", text),
            lambda: [expired if text == "expired" else active],
            {"expiry_moment": now()},
        )


def _team_name() -> Expression:
    return (
        select(Team.name).where(Team.id == AuthenticationToken.team_id).correlate(AuthenticationToken).scalar_subquery()
    )


def _holder_id() -> Expression:
    return (
        select(OrganizationMembership.user_id)
        .where(OrganizationMembership.id == AuthenticationToken.membership_id)
        .correlate(AuthenticationToken)
        .scalar_subquery()
    )


_COLUMNS: dict[str, Expression] = {
    **plain(
        AuthenticationToken,
        "id organization_id team_id visible_in ordinary_in pooled_in project_id user_id role description "
        "created_at last_used_at expired_at created_by_type narrowed_to",
    ),
    # Clients know an organization by its name, which may have changed since.
    "created_by": func.coalesce(_MAKER.c.name, AuthenticationToken.created_by_id),
}
_JOINED = AuthenticationToken.__table__.outerjoin(_MAKER, _MAKER.c.id == AuthenticationToken.created_by_id)

TOKENS = Listing(
    schema=AuthenticationTokenSchema,
    model=AuthenticationToken,
    columns=_COLUMNS,
    joined=_JOINED,
    order=(AuthenticationToken.created_at, AuthenticationToken.id),
)
# The tokens of any user, for administrators of the site.
TOKENS_OF_USERS = Listing(
    schema=AuthenticationTokenSchema,
    model=AuthenticationToken,
    visible_by=P.USER_ADMINISTER,
    columns=_COLUMNS,
    joined=_JOINED,
    order=(AuthenticationToken.created_at, AuthenticationToken.id),
)
TEAM_TOKENS = Listing(
    schema=TeamTokenSchema,
    model=AuthenticationToken,
    columns=_COLUMNS,
    joined=_JOINED,
    # The token that expires soonest needs attention first.
    order=(_EXPIRY, AuthenticationToken.created_at, AuthenticationToken.id),
    sorts={
        "team-name": (case_folded(_team_name()),),
        "created-by": (func.coalesce(AuthenticationToken.created_by_id, ""),),
        "expired-at": (_EXPIRY,),
        "last-used-at": (func.coalesce(AuthenticationToken.last_used_at, _NEVER_USED),),
    },
    filters=(Contains("q", (_team_name(),)), ExpiryStatus()),
)
PROJECT_TOKENS = Listing(
    schema=ProjectTokenSchema,
    model=AuthenticationToken,
    columns={**_COLUMNS, "held_by": OrganizationMembership.user_id},
    joined=_JOINED.outerjoin(
        OrganizationMembership.__table__, OrganizationMembership.id == AuthenticationToken.membership_id
    ),
    order=(AuthenticationToken.created_at, AuthenticationToken.id),
    sorts={
        "created-by": (func.coalesce(AuthenticationToken.created_by_id, ""),),
        "created-at": (AuthenticationToken.created_at,),
    },
    filters=(
        OneOf("filter[created-by]", func.coalesce(AuthenticationToken.created_by_id, "")),
        OneOf("filter[held-by]", _holder_id()),
        ExpiryStatus(),
    ),
)
NARROWED_TOKENS = Listing(
    schema=NarrowedTokenSchema,
    model=AuthenticationToken,
    columns=_COLUMNS,
    joined=_JOINED,
    order=(_EXPIRY, AuthenticationToken.created_at, AuthenticationToken.id),
    sorts={
        "created-at": (AuthenticationToken.created_at,),
        "expired-at": (_EXPIRY,),
        "last-used-at": (func.coalesce(AuthenticationToken.last_used_at, _NEVER_USED),),
    },
    filters=(Contains("q", (AuthenticationToken.description,)), ExpiryStatus()),
)


def shown_token(row: Row[Any]) -> ResourceObject:
    """The resource object of any token; that of a team or project also has its team or project."""
    if row.project_id is not None:
        # Its holder is read only here.
        return PROJECT_TOKENS.get_resource({"id": row.id})
    if row.narrowed_to is not None:
        return NARROWED_TOKENS.to_resource(row)
    return (TOKENS if row.team_id is None else TEAM_TOKENS).to_resource(row)
