"""The rules of tokens: their number, expiry and descriptions; storing and revoking them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import InvalidAttribute, NotFound, Unprocessable
from app.models.authentication_tokens import AUDIT_TRAILS, AuthenticationToken
from app.models.organization_memberships import OrganizationMembership
from app.models.organizations import Organization
from app.models.token_ttl_policies import TokenTtlPolicy
from app.models.users import User
from app.persistence import in_values, now

EXPIRY_POINTER = "/data/attributes/expired-at"
# Limit for one user, whose tokens are listed all at once; expired ones count until they are deleted.
MAXIMUM = 1_000
# The kind of a token by the column that names its owner; without any of them it is the organization's.
_KINDS = {"user_id": "user", "team_id": "team", "project_id": "project", "agent_pool_id": "agent"}


class DescriptionTaken(Unprocessable):
    """Another token of the team or project has this description. Clients compare these words."""

    title = "invalid attributes"
    code = "description-taken"
    detail = "Validation failed: Description has already been taken"
    pointer = "/data/attributes/description"


class NotOfProject(Unprocessable):
    """Only the token of a project has a holder who could change."""

    code = "not-of-project"
    detail = "Only the token of a project can be taken over"


class TooManyTokens(Unprocessable):
    """The user has as many tokens as are allowed."""

    code = "too-many-tokens"
    pointer = "/data"
    detail = f"You can't have more than {MAXIMUM} tokens; delete some that you no longer use first"


def add_token(session: Session, members: Mapping[str, Any], *, digest: str, **owner: str) -> AuthenticationToken:
    """Store a new token.

    ``owner`` has ``user_id`` or ``organization_id``, the latter with ``team_id``, ``project_id`` or ``agent_pool_id``
    for their tokens, and the creator of the token.
    """
    kind = next((kind for column, kind in _KINDS.items() if column in owner), "organization")
    expired_at = members.get("expired_at")
    check_expiry(expired_at)
    if kind in {"organization", "team"}:
        expired_at = _within_longest(session, owner["organization_id"], kind, members.get("purpose"), expired_at)
    token = AuthenticationToken(
        digest=digest,
        kind=kind,
        **{**members, "expired_at": expired_at},
        **owner,
    )
    session.add(token)
    session.flush()
    return token


def check_room(session: Session, user_id: str) -> None:
    """Refuse another token for a user with the maximum. Concurrent requests may exceed it a little, without harm."""
    held = select(func.count()).select_from(AuthenticationToken).filter_by(user_id=user_id)
    if session.execute(held).scalar_one() >= MAXIMUM:
        raise TooManyTokens


def check_expiry(expired_at: datetime | None) -> None:
    """Refuse a token that would have expired already."""
    if expired_at is not None and expired_at <= now():
        raise InvalidAttribute("Expired at must be in the future", pointer=EXPIRY_POINTER)


def _within_longest(
    session: Session, organization_id: str, kind: str, purpose: str | None, expired_at: datetime | None
) -> datetime | None:
    """The expiry of a new token, or the latest one that the organization allows; refuses a later one."""
    token_type = "audit_trails" if purpose == AUDIT_TRAILS else kind
    milliseconds = session.scalar(
        select(TokenTtlPolicy.max_ttl_ms)
        .join(Organization, Organization.id == TokenTtlPolicy.organization_id)
        .where(
            TokenTtlPolicy.organization_id == organization_id,
            TokenTtlPolicy.token_type == token_type,
            Organization.max_ttl_enabled,
        )
    )
    if milliseconds is None:
        return expired_at
    latest = now() + timedelta(milliseconds=milliseconds)
    if expired_at is not None and expired_at > latest:
        raise InvalidAttribute(
            f"Expired at must be at most {milliseconds} milliseconds from now: the organization limits tokens of the "
            f"type {token_type}",
            pointer=EXPIRY_POINTER,
        )
    return expired_at or latest


def revoke_organization_token(session: Session, organization_id: str, purpose: str) -> AuthenticationToken | None:
    """Delete the organization's token for the purpose, which stops working at once; None if there is none.

    Locks the organization's row: if two requests renew the token at once, the later one's token is valid in the end,
    and neither request fails.
    """
    session.execute(select(Organization.id).where(Organization.id == organization_id).with_for_update())
    token = session.scalars(
        select(AuthenticationToken)
        .where(
            AuthenticationToken.organization_id == organization_id,
            AuthenticationToken.kind == "organization",
            AuthenticationToken.purpose == purpose,
        )
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
    """Delete the team's token without a description, which stops working at once; None if there is none.

    The caller has locked the team's row.
    """
    token = plain_team_token(session, team_id)
    if token is not None:
        session.delete(token)
        session.flush()
    return token


def check_description(session: Session, description: str | None, **owner: str) -> None:
    """Refuse a second token of the team or project with the same description. The empty text counts as one.

    The caller has locked the owner's row.
    """
    same = (
        select(AuthenticationToken.id)
        .filter_by(**owner)
        .where(AuthenticationToken.description.is_not_distinct_from(description))
    )
    if session.scalar(same) is not None:
        raise DescriptionTaken


def usernames(session: Session, memberships: Sequence[str | None]) -> list[str | None]:
    """The usernames of these members, in the same order; None where there is none."""
    found = select(OrganizationMembership.id, User.username).join(User, User.id == OrganizationMembership.user_id)
    wanted = [each for each in memberships if each is not None]
    names = {row.id: row.username for row in session.execute(found.where(in_values(OrganizationMembership.id, wanted)))}
    return [names.get(each or "") for each in memberships]


def team_tokens(session: Session, organization_id: str, identifiers: Sequence[str]) -> Sequence[AuthenticationToken]:
    """The tokens of teams with these ids, locked; 404 if one does not exist."""
    found = session.scalars(
        select(AuthenticationToken)
        .where(
            in_values(AuthenticationToken.id, identifiers),
            AuthenticationToken.organization_id == organization_id,
            AuthenticationToken.kind == "team",
        )
        .order_by(AuthenticationToken.id)
        .with_for_update(of=AuthenticationToken),
    ).all()
    if len(found) < len(set(identifiers)):
        raise NotFound
    return found
