"""Reading parameters of policy sets."""

from typing import Final

from sqlalchemy import literal

from app.models.policies import PolicySetParameter
from app.resources.policies.policy_set_parameters.schema import CATEGORY, PolicySetParameterSchema
from app.web.listing import Listing, plain

POLICY_SET_PARAMETERS: Final = Listing(
    schema=PolicySetParameterSchema,
    model=PolicySetParameter,
    columns={
        **plain(PolicySetParameter, "id organization_id policy_set_id key value sensitive"),
        "category": literal(CATEGORY),
    },
    joined=PolicySetParameter.__table__,
    order=(PolicySetParameter.key, PolicySetParameter.id),
)
