"""Reading tokens; their digests are never selected."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, literal, or_, select

from app.authentication.callers import Caller
from app.authz.permissions import P
from app.jsonapi.errors import BadParameter
from app.jsonapi.query import Arguments, text_of
from app.models.authentication_tokens import AuthenticationToken
from app.models.organizations import Organization
from app.models.teams import Team
from app.persistence import Expression, Timestamp, now
from app.resources.accounts.authentication_tokens.schema import (
    AuthenticationTokenSchema,
    ProjectTokenSchema,
    TeamTokenSchema,
)
from app.web.filters import Chosen, Contains
from app.web.listing import Listing, ResourceObject

_MAKER = Organization.__table__.alias("maker")
# Where there is no moment, one before or after all others: the databases order null differently.
_NEVER_USED = literal(datetime(1970, 1, 1, tzinfo=UTC), Timestamp())
_NEVER_EXPIRES = literal(datetime(9999, 12, 31, tzinfo=UTC), Timestamp())
_EXPIRY = func.coalesce(AuthenticationToken.expired_at, _NEVER_EXPIRES)
STATUSES = ("active", "expired")


@dataclass(frozen=True)
class ExpiryStatus:
    """``filter[expiry_status]``: tokens that are still valid (``active``), or those that have expired."""

    parameter: str = "filter[expiry_status]"

    @property
    def documented(self) -> Sequence[tuple[str, str]]:
        """See ``Filter``."""
        return [(self.parameter, f"One of {', '.join(STATUSES)}")]

    def read(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> Chosen | None:  # noqa: ARG002
        """See ``Filter``; 400 for a status that there is not."""
        wanted = text_of(arguments, self.parameter)
        if wanted is None:
            return None
        if wanted not in STATUSES:
            raise BadParameter(f"{self.parameter} must be one of {', '.join(STATUSES)}", parameter=self.parameter)
        moment = bindparam("expiry_moment", type_=Timestamp())
        expired = AuthenticationToken.expired_at <= moment
        active = or_(AuthenticationToken.expired_at.is_(None), AuthenticationToken.expired_at > moment)
        return Chosen(
            ("expiry", wanted),
            lambda: [expired if wanted == "expired" else active],
            {"expiry_moment": now()},
        )


def _team_name() -> Expression:
    return (
        select(Team.name).where(Team.id == AuthenticationToken.team_id).correlate(AuthenticationToken).scalar_subquery()
    )


_COLUMNS: dict[str, Expression] = {
    "id": AuthenticationToken.id,
    "organization_id": AuthenticationToken.organization_id,
    "team_id": AuthenticationToken.team_id,
    "visible_in": AuthenticationToken.visible_in,
    "ordinary_in": AuthenticationToken.ordinary_in,
    "project_id": AuthenticationToken.project_id,
    "user_id": AuthenticationToken.user_id,
    "role": AuthenticationToken.role,
    "description": AuthenticationToken.description,
    "created_at": AuthenticationToken.created_at,
    "last_used_at": AuthenticationToken.last_used_at,
    "expired_at": AuthenticationToken.expired_at,
    "created_by_type": AuthenticationToken.created_by_type,
    # An organization is known by its name, whatever that is by now.
    "created_by": func.coalesce(_MAKER.c.name, AuthenticationToken.created_by_id),
}
_JOINED = AuthenticationToken.__table__.outerjoin(_MAKER, _MAKER.c.id == AuthenticationToken.created_by_id)

TOKENS = Listing(
    schema=AuthenticationTokenSchema,
    model=AuthenticationToken,
    visible_by=P.TOKEN_MANAGE,
    columns=_COLUMNS,
    joined=_JOINED,
    order=(AuthenticationToken.created_at, AuthenticationToken.id),
)
TEAM_TOKENS = Listing(
    schema=TeamTokenSchema,
    model=AuthenticationToken,
    visible_by=P.TOKEN_MANAGE,
    columns=_COLUMNS,
    joined=_JOINED,
    # What ends soonest needs somebody's attention first.
    order=(_EXPIRY, AuthenticationToken.created_at, AuthenticationToken.id),
    sorts={
        "team-name": (func.lower(_team_name()),),
        "created-by": (func.coalesce(AuthenticationToken.created_by_id, ""),),
        "expired-at": (_EXPIRY,),
        "last-used-at": (func.coalesce(AuthenticationToken.last_used_at, _NEVER_USED),),
    },
    filters=(Contains("q", (_team_name(),)), ExpiryStatus()),
)
PROJECT_TOKENS = Listing(
    schema=ProjectTokenSchema,
    model=AuthenticationToken,
    visible_by=P.TOKEN_MANAGE,
    columns=_COLUMNS,
    joined=_JOINED,
    order=(AuthenticationToken.created_at, AuthenticationToken.id),
)


def shown_token(row: Row[Any]) -> ResourceObject:
    """The resource object of any token; for a token of a team or project it names that."""
    if row.project_id is not None:
        return PROJECT_TOKENS.shown(row)
    return (TOKENS if row.team_id is None else TEAM_TOKENS).shown(row)
