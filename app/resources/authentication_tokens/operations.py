"""Making tokens."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import InvalidAttribute, NotFound, Unprocessable
from app.persistence import among, now
from app.resources.authentication_tokens.model import AuthenticationToken
from app.resources.organizations.model import Organization

EXPIRY_POINTER = "/data/attributes/expired-at"
# Of a user, who sees all of them at once; expired ones count until they are deleted.
MAXIMUM = 1_000


class DescriptionTaken(Unprocessable):
    """The team or project has another token with this description. Clients compare the words."""

    title = "invalid attributes"
    code = "description-taken"
    detail = "Validation failed: Description has already been taken"
    pointer = "/data/attributes/description"


class TooManyTokens(Unprocessable):
    """A user has as many tokens as he may have."""

    code = "too-many-tokens"
    pointer = "/data"
    detail = f"You can't have more than {MAXIMUM} tokens; delete some that you no longer use first"


def add_token(session: Session, members: Mapping[str, Any], *, digest: str, **owner: str) -> AuthenticationToken:
    """Store a new token.

    ``owner`` is ``user_id``, or ``organization_id`` with ``team_id`` or ``project_id`` for theirs; and who made it.
    """
    check_expiry(members.get("expired_at"))
    kind = next((each for each in ("user", "team", "project") if f"{each}_id" in owner), "organization")
    token = AuthenticationToken(
        digest=digest,
        kind=kind,
        **members,
        **owner,
    )
    session.add(token)
    session.flush()
    return token


def check_room(session: Session, user_id: str) -> None:
    """Refuse one more token than a user may have; several at once may pass it together, which does no harm."""
    held = select(func.count()).select_from(AuthenticationToken).filter_by(user_id=user_id)
    if session.execute(held).scalar_one() >= MAXIMUM:
        raise TooManyTokens


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
        select(AuthenticationToken)
        .where(AuthenticationToken.organization_id == organization_id, AuthenticationToken.kind == "organization")
        .with_for_update(of=AuthenticationToken),
    ).one_or_none()
    if token is not None:
        session.delete(token)
        session.flush()
    return token


def plain_team_token(session: Session, team_id: str) -> AuthenticationToken | None:
    """The team's one token without a description."""
    return session.scalars(
        select(AuthenticationToken).where(
            AuthenticationToken.team_id == team_id,
            AuthenticationToken.description.is_(None),
        ),
    ).one_or_none()


def revoke_plain_team_token(session: Session, team_id: str) -> AuthenticationToken | None:
    """Delete the team's token without a description, which stops to work at once; None when there is none.

    The team's row is locked by the caller, here and below.
    """
    token = plain_team_token(session, team_id)
    if token is not None:
        session.delete(token)
        session.flush()
    return token


def check_description(session: Session, description: str | None, **owner: str) -> None:
    """Refuse a second token of the team or project with the same description; an empty one is a description.

    The owner's row is locked by the caller.
    """
    same = (
        select(AuthenticationToken.id)
        .filter_by(**owner)
        .where(AuthenticationToken.description.is_not_distinct_from(description))
    )
    if session.scalar(same) is not None:
        raise DescriptionTaken


def team_tokens(session: Session, organization_id: str, identifiers: Sequence[str]) -> Sequence[AuthenticationToken]:
    """The tokens of teams with these ids, locked; 404 when one is not there."""
    found = session.scalars(
        select(AuthenticationToken)
        .where(
            among(AuthenticationToken.id, identifiers),
            AuthenticationToken.organization_id == organization_id,
            AuthenticationToken.kind == "team",
        )
        .order_by(AuthenticationToken.id)
        .with_for_update(of=AuthenticationToken),
    ).all()
    if len(found) < len(set(identifiers)):
        raise NotFound
    return found
