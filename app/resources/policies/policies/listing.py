"""Reading policies."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import func, literal, select, true

from app.models.organizations import Organization
from app.models.policies import OPA, Policy, PolicySet, PolicySetPolicy
from app.persistence import case_folded
from app.resources.policies.policies.schema import PolicySchema
from app.web.filters import Contains, OneOf
from app.web.listing import Listing, plain
from app.web.related_ids import Link, RelatedIds

_NAME = case_folded(Policy.name)
_COUNT = select(func.count()).where(PolicySetPolicy.policy_id == Policy.id).correlate(Policy).scalar_subquery()


def _links() -> Iterable[Link]:
    # Whoever may read the policies of an organization may read its sets.
    joined = PolicySetPolicy.__table__.join(PolicySet.__table__)
    yield Link("policy_set_ids", PolicySetPolicy.policy_id, PolicySet.id, PolicySet.name, joined, true())


POLICIES: Final = Listing(
    schema=PolicySchema,
    model=Policy,
    columns={
        **plain(Policy, "id organization_id name description query enforcement_level updated_at"),
        "organization_name": Organization.name,
        "policy_set_count": _COUNT,
    },
    joined=Policy.__table__.join(Organization.__table__),
    order=(_NAME, Policy.id),
    sorts={"name": (_NAME,), "updated-at": (Policy.updated_at,)},
    filters=(Contains("search[name]", (Policy.name,)), OneOf("filter[kind]", literal(OPA))),
    complete=RelatedIds(("policy_set_ids",), _links),
)
