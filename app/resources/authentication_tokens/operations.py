"""Making tokens."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jsonapi.errors import InvalidAttribute
from app.persistence import now
from app.resources.authentication_tokens.model import AuthenticationToken
from app.resources.organizations.model import Organization

EXPIRY_POINTER = "/data/attributes/expired-at"


def add_token(session: Session, members: Mapping[str, Any], *, digest: str, **owner: str) -> AuthenticationToken:
    """Store a new token. ``owner`` is ``user_id`` or ``organization_id``, and who made it."""
    check_expiry(members.get("expired_at"))
    token = AuthenticationToken(
        digest=digest,
        kind="user" if "user_id" in owner else "organization",
        **members,
        **owner,
    )
    session.add(token)
    session.flush()
    return token


def check_expiry(expired_at: datetime | None) -> None:
    """Refuse a token that would be dead on arrival."""
    if expired_at is not None and expired_at <= now():
        raise InvalidAttribute("Expired at must be in the future", pointer=EXPIRY_POINTER)


def revoke_organization_token(session: Session, organization_id: str) -> AuthenticationToken | None:
    """Delete the organization's token, which stops to work at once; None when there is none.

    The organization's row is locked, so that of two regenerations at once the later one's token is the one that
    lives, and neither fails.
    """
    session.execute(select(Organization.id).where(Organization.id == organization_id).with_for_update())
    token = session.scalars(
        select(AuthenticationToken).where(AuthenticationToken.organization_id == organization_id).with_for_update(),
    ).one_or_none()
    if token is not None:
        session.delete(token)
        session.flush()
    return token
