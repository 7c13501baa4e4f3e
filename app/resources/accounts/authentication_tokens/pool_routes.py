"""The tokens of agent pools over HTTP (spec: tokens)."""

from flask import Response

from app.authz.permissions import P
from app.jsonapi.schema import load
from app.models.agent_pools import AgentPool
from app.resources.accounts.authentication_tokens import service
from app.resources.accounts.authentication_tokens.blueprint import blueprint, shown_once
from app.resources.accounts.authentication_tokens.listing import TOKENS
from app.resources.accounts.authentication_tokens.schema import AuthenticationTokenSchema
from app.web.guard import describes, requires
from app.web.policy import get_visible, require
from app.web.requests import body

MANY = "/agent-pools/<agent_pool_id>/authentication-tokens"


@blueprint.get(MANY)
@requires(P.AGENT_POOL_READ, P.TOKEN_MANAGE)
@describes(listing=TOKENS, errors=(400,))
def list_tokens_of_pool(agent_pool_id: str) -> Response:
    """List the tokens of an agent pool, without their texts."""
    row = get_visible(AgentPool, agent_pool_id)
    require(P.TOKEN_MANAGE, row, AgentPool)
    return TOKENS.page_response({"organization_id": row.organization_id, "agent_pool_id": agent_pool_id})


@blueprint.post(MANY)
@requires(P.AGENT_POOL_READ, P.TOKEN_MANAGE)
@describes(body=AuthenticationTokenSchema, is_partial=True, answer=AuthenticationTokenSchema, status=201, errors=(422,))
def create_pool_token(agent_pool_id: str) -> Response:
    """Create a token for the agents of a pool. Only this answer has its text.

    It opens the runs of the pool to an agent, and nothing else. Deleting the token or the pool shuts its agents out.
    """
    members = load(AuthenticationTokenSchema, body())
    text, shown = service.create_pool_token(agent_pool_id, members)
    return shown_once(shown, text)
