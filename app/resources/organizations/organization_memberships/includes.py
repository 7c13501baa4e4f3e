"""Resources that a request for memberships can include: the user, the teams, the organization."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import select

from app.models.users import ADMINISTRATORS, KNOWN_AS, User
from app.persistence import case_folded, in_values
from app.resources.accounts.users.listing import UserRow, dump_user
from app.resources.organizations.organizations.listing import ORGANIZATIONS
from app.resources.organizations.teams.listing import TEAM_LINKS, TEAMS
from app.web.context import caller, reader
from app.web.listing import ResourceObject

INCLUDES = ("user", "teams")
OWN_INCLUDES = (*INCLUDES, "organization")


def including(
    wanted: set[str], *, with_email: bool = True
) -> Callable[[Sequence[Any], list[ResourceObject]], list[ResourceObject]] | None:
    """A function that reads the included resources for a list of memberships; None if there are none."""
    return (lambda rows, shown: included(rows, shown, wanted, with_email=with_email)) if wanted else None


def included(
    rows: Sequence[Any], memberships: list[ResourceObject], wanted: set[str], *, with_email: bool = True
) -> list[ResourceObject]:
    """The users, teams and organizations of the memberships, as far as the caller can see them."""
    found: list[ResourceObject] = []
    if "user" in wanted:
        found += shown_users({row.user_id for row in rows}, with_email=with_email)
    if "teams" in wanted:
        teams = (team["id"] for shown in memberships for team in shown["relationships"]["teams"]["data"])
        found += TEAM_LINKS.find_many(TEAMS, set(teams))
    if "organization" in wanted:
        found += ORGANIZATIONS.find_many({row.organization_id for row in rows})
    return found


def shown_users(identifiers: Collection[str], *, with_email: bool) -> list[ResourceObject]:
    """The users with these ids, by name; for callers who may see their memberships or teams."""
    own_id = caller().user_id
    rows = reader().execute(
        select(User.id, KNOWN_AS.label("username"), User.email, User.site_role)
        .where(in_values(User.id, identifiers))
        .order_by(case_folded(User.username)),
    )
    return [
        dump_user(
            UserRow(
                id=row.id,
                username=row.username,
                email=row.email if with_email else None,
                is_admin=row.site_role in ADMINISTRATORS,
                is_own=row.id == own_id,
            ),
            None,
        )
        for row in rows
    ]
