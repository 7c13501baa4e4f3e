"""The rules of notification configurations."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.jsonapi.errors import InvalidAttribute, Unprocessable
from app.models.notification_configurations import EMAIL, GENERIC, TEAM_TRIGGERS, TRIGGERS, NotificationConfiguration
from app.models.organization_memberships import OrganizationMembership
from app.persistence import in_values

# As many as HCP Terraform allows.
MAXIMUM: Final = 20


class TooManyConfigurations(Unprocessable):
    """There are as many notification configurations as are allowed."""

    code = "too-many-notification-configurations"
    pointer = "/data"
    detail = f"A workspace, project or team can't have more than {MAXIMUM} notification configurations"


def check(members: Mapping[str, Any], *, of_team: bool) -> None:
    """Refuse attributes that do not fit together; ``members`` has all that the configuration would have."""
    kind = members["destination_type"]
    if kind == EMAIL:
        _refuse(members, "url", "Url can't be set for email, which has email-addresses and the relationship users")
    elif not members.get("url"):
        raise InvalidAttribute("Url can't be blank", pointer="/data/attributes/url")
    else:
        _refuse(members, "email_addresses", f"Email addresses can't be set for {kind}")
        _refuse(members, "email_all_members", f"Email all members can't be set for {kind}")
        if members.get("user_ids"):
            raise InvalidAttribute(f"Users can't be set for {kind}", pointer="/data/relationships/users")
    if kind != GENERIC:
        _refuse(members, "token", f"Token can't be set for {kind}: only requests to generic destinations are signed")
    if not of_team:
        _refuse(members, "email_all_members", "Email all members can only be set for a team")
    possible = TEAM_TRIGGERS if of_team else TRIGGERS
    if any(each not in possible for each in members.get("triggers") or ()):
        place = "a team" if of_team else "a workspace or project"
        raise InvalidAttribute(
            f"Triggers of {place} must be some of {', '.join(possible)}", pointer="/data/attributes/triggers"
        )


def check_room(session: Session, column: str, parent_id: str) -> None:
    """Refuse one more than is allowed. Requests at once may exceed that a little, which is harmless."""
    held = NotificationConfiguration.__table__.c[column] == parent_id
    if (session.scalar(select(func.count()).select_from(NotificationConfiguration).where(held)) or 0) >= MAXIMUM:
        raise TooManyConfigurations


def check_users(session: Session, organization_id: str, user_ids: Sequence[str]) -> None:
    """Refuse users who are not active members of the organization."""
    if not user_ids:
        return
    found = select(func.count()).where(
        OrganizationMembership.organization_id == organization_id,
        OrganizationMembership.status == "active",
        in_values(OrganizationMembership.user_id, user_ids),
    )
    if session.scalar(found) != len(user_ids):
        raise InvalidAttribute("Users must be active members of the organization", pointer="/data/relationships/users")


def _refuse(members: Mapping[str, Any], name: str, text: str) -> None:
    if members.get(name):
        # One attribute has its underscores in HCP Terraform's documents, too.
        shown = name if name == "email_all_members" else name.replace("_", "-")
        raise InvalidAttribute(text, pointer=f"/data/attributes/{shown}")
