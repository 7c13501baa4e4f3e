"""Reading tokens; their digests are never selected."""

from sqlalchemy import func

from app.authz.permissions import P
from app.resources.authentication_tokens.model import AuthenticationToken
from app.resources.authentication_tokens.schema import AuthenticationTokenSchema
from app.resources.organizations.model import Organization
from app.web.listing import Listing

_MAKER = Organization.__table__.alias("maker")

TOKENS = Listing(
    schema=AuthenticationTokenSchema,
    model=AuthenticationToken,
    visible_by=P.TOKEN_MANAGE,
    columns={
        "id": AuthenticationToken.id,
        "organization_id": AuthenticationToken.organization_id,
        "user_id": AuthenticationToken.user_id,
        "description": AuthenticationToken.description,
        "created_at": AuthenticationToken.created_at,
        "last_used_at": AuthenticationToken.last_used_at,
        "expired_at": AuthenticationToken.expired_at,
        "created_by_type": AuthenticationToken.created_by_type,
        # An organization is known by its name, whatever that is by now.
        "created_by": func.coalesce(_MAKER.c.name, AuthenticationToken.created_by_id),
    },
    joined=AuthenticationToken.__table__.outerjoin(_MAKER, _MAKER.c.id == AuthenticationToken.created_by_id),
    order=(AuthenticationToken.created_at, AuthenticationToken.id),
)
