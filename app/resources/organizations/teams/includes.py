"""Resources that a request for teams can include: their users and their memberships."""

from collections.abc import Callable, Sequence
from typing import Any

from app.resources.organizations.organization_memberships.includes import shown_users
from app.resources.organizations.organization_memberships.listing import MEMBERSHIP_LINKS, MEMBERSHIPS
from app.web.listing import ResourceObject

INCLUDES = ("users", "organization_memberships")


def including(wanted: set[str]) -> Callable[[Sequence[Any], list[ResourceObject]], list[ResourceObject]] | None:
    """A function that reads the included resources for a list of teams; None if there are none."""
    return (lambda _rows, shown: included(shown, wanted)) if wanted else None


def included(teams: list[ResourceObject], wanted: set[str]) -> list[ResourceObject]:
    """The users (without e-mail addresses) and the memberships of the teams, as far as the caller can see them."""
    found: list[ResourceObject] = []
    if "users" in wanted:
        found += shown_users(_linked(teams, "users"), with_email=False)
    if "organization_memberships" in wanted:
        found += MEMBERSHIP_LINKS.find_many(MEMBERSHIPS, _linked(teams, "organization-memberships"))
    return found


def _linked(teams: list[ResourceObject], relationship: str) -> set[str]:
    return {item["id"] for team in teams for item in team["relationships"][relationship]["data"]}
