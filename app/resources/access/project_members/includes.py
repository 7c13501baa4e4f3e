"""Resources that a request for the members of projects can include."""

from collections.abc import Callable, Sequence
from typing import Any

from app.resources.organizations.organization_memberships.includes import shown_users
from app.resources.projects.environments.listing import ENVIRONMENTS
from app.web.listing import ResourceObject

INCLUDES = ("user", "environment")


def including(wanted: set[str]) -> Callable[[Sequence[Any], list[ResourceObject]], list[ResourceObject]] | None:
    """A function that reads the included resources for a list of members; None if there are none."""
    return (lambda rows, _shown: included(rows, wanted)) if wanted else None


def included(rows: Sequence[Any], wanted: set[str]) -> list[ResourceObject]:
    """The users of the members, and the environments that their roles are limited to."""
    found: list[ResourceObject] = []
    if "user" in wanted:
        # Anyone who sees a member sees the user, without the e-mail address.
        found += shown_users({row.user_id for row in rows}, with_email=False)
    if "environment" in wanted:
        found += ENVIRONMENTS.find_many({row.environment_id for row in rows if row.environment_id})
    return found
