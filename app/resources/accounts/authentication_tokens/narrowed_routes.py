"""Narrowed tokens of organizations over HTTP."""

from typing import Final

from flask import Response

from app.authz.permissions import P
from app.jsonapi.schema import load
from app.models.authentication_tokens import NARROWED
from app.resources.accounts.authentication_tokens import narrowing
from app.resources.accounts.authentication_tokens.blueprint import blueprint, shown_once
from app.resources.accounts.authentication_tokens.listing import NARROWED_TOKENS
from app.resources.accounts.authentication_tokens.schema import NarrowedTokenSchema, RotationSchema
from app.web.guard import describes, requires
from app.web.policy import organization_or_404
from app.web.requests import body, optional_body

MANY: Final = "/organizations/<organization>/authentication-tokens"


@blueprint.get(MANY)
@requires(P.TOKEN_MANAGE)
@describes(listing=NARROWED_TOKENS, errors=(400,))
def list_narrowed_tokens(organization: str) -> Response:
    """List the narrowed tokens of an organization, without their texts; that which expires soonest comes first."""
    org = organization_or_404(organization, P.TOKEN_MANAGE)
    return NARROWED_TOKENS.page_response({"organization_id": org.id, "purpose": NARROWED})


@blueprint.post(MANY)
@requires(P.TOKEN_MANAGE)
@describes(body=NarrowedTokenSchema, answer=NarrowedTokenSchema, status=201, errors=(422,))
def create_narrowed_token(organization: str) -> Response:
    """Create a token of the organization that is narrowed to reading, permissions, projects or addresses.

    Only this answer has its text. Such a token never manages tokens, members, teams or access. The one token of the
    organization, which HCP Terraform has too, stays what it is.
    """
    org = organization_or_404(organization, P.TOKEN_MANAGE)
    text, shown = narrowing.create_narrowed_token(org, load(NarrowedTokenSchema, body()))
    return shown_once(shown, text)


@blueprint.post("/authentication-tokens/<token_id>/actions/rotate")
@requires(P.TOKEN_MANAGE)
@describes(body=RotationSchema, is_partial=True, answer=NarrowedTokenSchema, status=201, errors=(422,))
def rotate_token(token_id: str) -> Response:
    """Replace a narrowed token by a new one for the same; the old one goes on for a while.

    The old token stops working after `keep-old-for` seconds, or when it would have expired. Until then
    `last-used-at` of the old one shows whether somebody still uses it. Only this answer has the text of the new one.
    """
    members = load(RotationSchema, optional_body())
    text, shown = narrowing.rotate_token(token_id, members)
    return shown_once(shown, text)
