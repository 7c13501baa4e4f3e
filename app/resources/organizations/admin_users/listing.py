"""Reading all users, for administrators of the site."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import false, true

from app.authz.permissions import P
from app.models.organization_memberships import OrganizationMembership
from app.models.organizations import Organization
from app.models.users import ADMINISTRATORS, KNOWN_AS, User
from app.persistence import case_folded
from app.resources.organizations.admin_users.schema import AdminUserSchema
from app.resources.organizations.organizations.listing import ORGANIZATIONS
from app.web.filters import Contains, Holds
from app.web.listing import Listing, ResourceObject, plain
from app.web.related_ids import Link, RelatedIds

INCLUDES = ("organizations",)

_IS_ADMIN = User.site_role.in_(ADMINISTRATORS)
_IS_SUSPENDED = User.suspended_at.is_not(None)


def _organizations() -> list[Link]:
    # Clients know an organization by its name, and those that are included are found by their ids.
    columns = {"organization_names": Organization.name, "organization_ids": Organization.id}
    return [
        Link(
            name=name,
            owner_id=OrganizationMembership.user_id,
            related_id=column,
            order=case_folded(Organization.name),
            table=OrganizationMembership.__table__.join(Organization.__table__),
            condition=true(),
        )
        for name, column in columns.items()
    ]


ADMIN_USERS = Listing(
    schema=AdminUserSchema,
    model=User,
    visible_by=P.USER_ADMINISTER,
    columns={
        "id": User.id,
        "username": KNOWN_AS,
        **plain(User, "email unconfirmed_email site_role created_at"),
        "is_admin": _IS_ADMIN,
        "is_suspended": _IS_SUSPENDED,
        "is_service_account": false(),
        "creates_organizations": false(),
        "is_own": false(),
    },
    joined=User.__table__,
    order=(case_folded(User.username), User.id),
    filters=(
        Contains("q", (KNOWN_AS, User.email)),
        Holds("filter[admin]", _IS_ADMIN),
        Holds("filter[suspended]", _IS_SUSPENDED),
    ),
    complete=RelatedIds(("organization_names", "organization_ids"), _organizations),
)


def include_organizations(rows: Sequence[Any], _shown: list[ResourceObject]) -> list[ResourceObject]:
    """The organizations of the users."""
    return ORGANIZATIONS.find_many({each for row in rows for each in row.organization_ids})
