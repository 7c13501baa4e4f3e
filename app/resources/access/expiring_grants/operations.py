"""The rule for the time at which a grant ends."""

from collections.abc import Mapping
from typing import Any

from app.jsonapi.errors import InvalidAttribute
from app.persistence import now


class ExpiryPassed(InvalidAttribute):
    """The grant would have ended before it began."""

    code = "expiry-passed"
    pointer = "/data/attributes/expires-at"
    detail = "Expires at must be a time in the future, or null for access that does not end"


def check_expiry(members: Mapping[str, Any]) -> None:
    """Refuse a time that has passed."""
    moment = members.get("expires_at")
    if moment is not None and moment <= now():
        raise ExpiryPassed


def expiry_in(members: Mapping[str, Any]) -> dict[str, Any]:
    """The time among what was sent, checked; nothing, if none was sent."""
    check_expiry(members)
    return {name: members[name] for name in ("expires_at",) if name in members}
