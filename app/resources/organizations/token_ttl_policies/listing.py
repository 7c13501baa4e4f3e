"""Reading the longest lifetimes of tokens."""

from app.models.token_ttl_policies import TokenTtlPolicy
from app.resources.organizations.token_ttl_policies.schema import TokenTtlPolicySchema
from app.web.listing import Listing, plain

TOKEN_TTL_POLICIES = Listing(
    schema=TokenTtlPolicySchema,
    model=TokenTtlPolicy,
    columns=plain(TokenTtlPolicy, "id organization_id token_type max_ttl_ms created_at updated_at"),
    joined=TokenTtlPolicy.__table__,
    order=(TokenTtlPolicy.token_type,),
)
