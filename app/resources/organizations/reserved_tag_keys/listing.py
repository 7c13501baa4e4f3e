"""Reading reserved keys of tags."""

from app.models.organizations import Organization
from app.models.reserved_tag_keys import ReservedTagKey
from app.persistence import case_folded
from app.resources.organizations.reserved_tag_keys.schema import ReservedTagKeySchema
from app.web.listing import Listing, plain

RESERVED_TAG_KEYS = Listing(
    schema=ReservedTagKeySchema,
    model=ReservedTagKey,
    columns={
        **plain(ReservedTagKey, "id organization_id"),
        "organization_name": Organization.name,
        **plain(ReservedTagKey, "key disable_overrides created_at updated_at"),
    },
    joined=ReservedTagKey.__table__.join(Organization.__table__, Organization.id == ReservedTagKey.organization_id),
    order=(case_folded(ReservedTagKey.key),),
)
