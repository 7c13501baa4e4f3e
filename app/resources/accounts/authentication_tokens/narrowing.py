"""Use cases of narrowed tokens: making one, and replacing it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.authentication.callers import OrganizationRef
from app.authz.permissions import P
from app.jsonapi.errors import InvalidAttribute, Unprocessable
from app.models.authentication_tokens import NARROWED, AuthenticationToken
from app.models.projects import Project
from app.persistence import in_values, now
from app.resources.accounts.authentication_tokens.blueprint import issue_token
from app.resources.accounts.authentication_tokens.operations import MAXIMUM
from app.web.listing import ResourceObject
from app.web.policy import get_for_update
from app.web.transaction import record_event, transaction

# How long a replaced token goes on, unless the request says it.
KEEP_OLD_FOR: Final = timedelta(hours=1)
LIMITS: Final = ("permissions", "project_ids", "ip_ranges")


class NoSuchProjects(InvalidAttribute):
    """The organization has no projects with these ids."""

    code = "no-such-projects"
    pointer = "/data/attributes/project-ids"


class TooManyOfOrganization(Unprocessable):
    """The organization has as many narrowed tokens as are allowed."""

    code = "too-many-organization-tokens"
    pointer = "/data"
    detail = f"The organization can't have more than {MAXIMUM} narrowed tokens; delete some that nobody uses first"


class NotNarrowed(Unprocessable):
    """Only narrowed tokens are replaced with a time in which both are valid."""

    code = "not-narrowed"
    detail = "Only a narrowed token of an organization can be rotated; create a new one, and revoke this one"


def create_narrowed_token(org: OrganizationRef, members: dict[str, Any]) -> tuple[str, ResourceObject]:
    """Create a token of the organization that is narrowed. Only this answer has the text."""
    narrowed_to = {"read_only": members.pop("sent_read_only", False)}
    narrowed_to |= {name: members.pop(f"sent_{name}", None) for name in LIMITS}
    with transaction() as session:
        _check_projects(session, org.id, narrowed_to["project_ids"])
        _check_room(session, org.id)
        members = {**members, "purpose": NARROWED, "narrowed_to": narrowed_to}
        return issue_token(session, members, organization_id=org.id)


def rotate_token(token_id: str, members: dict[str, Any]) -> tuple[str, ResourceObject]:
    """Replace the token by a new one, whose text only this answer has; the old one ends a while later."""
    with transaction() as session:
        old = get_for_update(session, AuthenticationToken, token_id, P.TOKEN_MANAGE)
        if old.narrowed_to is None or old.organization_id is None:
            raise NotNarrowed
        _check_room(session, old.organization_id)
        before = old.expired_at
        end = now() + timedelta(seconds=members.get("keep_old_for", KEEP_OLD_FOR.total_seconds()))
        old.expired_at = end if before is None else min(before, end)
        session.flush()
        ended = [before.isoformat() if before else None, old.expired_at.isoformat()]
        record_event(session, "authentication-tokens.rotate", old, {"expired-at": ended})
        # Unless the request says otherwise, the new one lives as long as the old one was meant to.
        as_long = None if before is None else now() + (before - old.created_at)
        kept = {
            "description": old.description,
            "expired_at": members.get("expired_at", as_long),
            "purpose": NARROWED,
            "narrowed_to": old.narrowed_to,
        }
        return issue_token(session, kept, organization_id=old.organization_id)


def _check_projects(session: Session, organization_id: str, wanted: Sequence[str] | None) -> None:
    if wanted is None:
        return
    found = session.scalars(
        select(Project.id).where(in_values(Project.id, wanted), Project.organization_id == organization_id)
    )
    missing = sorted(set(wanted) - set(found))
    if missing:
        raise NoSuchProjects(f"The organization has no projects with the ids {', '.join(missing)}")


def _check_room(session: Session, organization_id: str) -> None:
    held = select(func.count()).select_from(AuthenticationToken)
    held = held.filter_by(organization_id=organization_id, purpose=NARROWED)
    if session.execute(held).scalar_one() >= MAXIMUM:
        raise TooManyOfOrganization
