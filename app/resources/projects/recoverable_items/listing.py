"""Reading recoverable items."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import case

from app.models.recoverable_items import RECOVERED, RecoverableItem
from app.resources.accounts.users.listing import some_users
from app.resources.projects.projects.listing import PROJECTS
from app.resources.projects.recoverable_items.filters import FILTERS
from app.resources.projects.recoverable_items.schema import RecoverableItemSchema
from app.web.listing import Listing, ResourceObject, plain

# What was deleted is nowhere to be included from: HCP Terraform's clients may ask for it all the same.
INCLUDES: Final = ("project", "deleted_by", "recoverable")

RECOVERABLE_ITEMS: Final = Listing(
    schema=RecoverableItemSchema,
    model=RecoverableItem,
    columns={
        **plain(
            RecoverableItem,
            "id organization_id project_id environment_id cell recoverable_type recoverable_id deleted_by_id "
            "deleted_at expires_at status",
        ),
        "recoverable_name": RecoverableItem.name,
        "unmanaged_resources": RecoverableItem.resource_count,
        "recovered_at": case((RecoverableItem.status == RECOVERED, RecoverableItem.ended_at)),
        "permanently_deleted_at": case((RecoverableItem.status != RECOVERED, RecoverableItem.ended_at)),
    },
    joined=RecoverableItem.__table__,
    order=(RecoverableItem.expires_at, RecoverableItem.id),
    sorts={
        "expires_at": (RecoverableItem.expires_at,),
        "recoverable_name": (RecoverableItem.name,),
        "unmanaged_resources": (RecoverableItem.resource_count,),
    },
    filters=FILTERS,
)


def including(wanted: set[str]) -> Callable[[Sequence[Any], list[ResourceObject]], list[ResourceObject]] | None:
    """A function that reads the included resources for items; None if there are none."""
    if not wanted:
        return None

    def load(rows: Sequence[Any], _shown: list[ResourceObject]) -> list[ResourceObject]:
        found: list[ResourceObject] = []
        if "project" in wanted:
            found += PROJECTS.find_many({row.project_id for row in rows})
        if "deleted_by" in wanted:
            found += some_users({row.deleted_by_id for row in rows if row.deleted_by_id})
        return found

    return load
