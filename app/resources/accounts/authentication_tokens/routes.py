"""Tokens over HTTP: the token of an organization, those of a user, and any token by id (spec: tokens)."""

from flask import Response, request

from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.jsonapi.schema import load
from app.models.authentication_tokens import AUDIT_TRAILS
from app.resources.accounts.authentication_tokens import (
    narrowed_routes,
    pool_routes,
    project_routes,
    service,
    team_routes,
)
from app.resources.accounts.authentication_tokens.blueprint import blueprint, shown_once
from app.resources.accounts.authentication_tokens.listing import TOKENS, TOKENS_OF_USERS, shown_token
from app.resources.accounts.authentication_tokens.schema import AuthenticationTokenSchema
from app.resources.accounts.users.listing import find_user
from app.web.answers import no_content, resource_response
from app.web.context import caller
from app.web.guard import describes, requires
from app.web.policy import organization_or_404, require_on_site, require_own
from app.web.requests import body, optional_body

__all__ = ["blueprint", "narrowed_routes", "pool_routes", "project_routes", "team_routes"]

PURPOSE = ("token", f"{AUDIT_TRAILS}: the organization's token that only reads the audit trail")


@blueprint.post("/organizations/<organization>/authentication-token")
@requires(P.TOKEN_MANAGE)
@describes(
    body=AuthenticationTokenSchema,
    is_partial=True,
    answer=AuthenticationTokenSchema,
    status=201,
    parameters=(PURPOSE,),
    errors=(422,),
)
def create_organization_token(organization: str) -> Response:
    """Create the organization's token; an existing one stops working. Only this answer has the text."""
    org = organization_or_404(organization, P.TOKEN_MANAGE)
    purpose = _purpose()
    sent = load(AuthenticationTokenSchema, optional_body())
    members = {"expired_at": sent.get("expired_at")}
    text, shown = service.create_organization_token(org, members, purpose)
    return shown_once(shown, text)


@blueprint.get("/organizations/<organization>/authentication-token")
@requires(P.TOKEN_MANAGE)
@describes(answer=AuthenticationTokenSchema, parameters=(PURPOSE,))
def show_organization_token(organization: str) -> Response:
    """Show the organization's token, without its text; 404 when there is none."""
    org = organization_or_404(organization, P.TOKEN_MANAGE)
    conditions = {"organization_id": org.id, "kind": "organization", "purpose": _purpose()}
    return resource_response(TOKENS.get_resource(conditions))


@blueprint.delete("/organizations/<organization>/authentication-token")
@requires(P.TOKEN_MANAGE)
@describes(status=204, parameters=(PURPOSE,))
def destroy_organization_token(organization: str) -> Response:
    """Revoke the organization's token at once; 404 when there is none."""
    org = organization_or_404(organization, P.TOKEN_MANAGE)
    service.destroy_organization_token(org, _purpose())
    return no_content()


@blueprint.get("/users/<user_id>/authentication-tokens")
@requires(P.USER_READ, P.TOKEN_MANAGE, P.USER_ADMINISTER)
@describes(listing=TOKENS, paged=False)
def list_user_tokens(user_id: str) -> Response:
    """List your own tokens. Administrators of the site list those of any user; for everybody else it is 404."""
    if user_id == caller().user_id:
        return TOKENS.page_response({"user_id": user_id}, paged=False)
    # An empty list would say that the user has no tokens.
    require_on_site(P.USER_ADMINISTER)
    find_user(user_id)
    return TOKENS_OF_USERS.page_response({"user_id": user_id}, paged=False)


@blueprint.post("/users/<user_id>/authentication-tokens")
@requires(P.TOKEN_MANAGE)
@describes(body=AuthenticationTokenSchema, is_partial=True, answer=AuthenticationTokenSchema, status=201, errors=(422,))
def create_user_token(user_id: str) -> Response:
    """Create a token for yourself. Only this answer has the text."""
    if require_own(P.TOKEN_MANAGE) != user_id:
        raise NotFound
    members = load(AuthenticationTokenSchema, body())
    text, shown = service.create_user_token(user_id, members)
    return shown_once(shown, text)


@blueprint.get("/authentication-tokens/<token_id>")
@requires(P.TOKEN_MANAGE, P.USER_ADMINISTER)
@describes(answer=AuthenticationTokenSchema)
def show_token(token_id: str) -> Response:
    """Show a token of your own, or one of an organization, team, project or agent pool whose tokens you manage.

    Administrators of the site see the tokens of all users.
    """
    is_of_user = service.permission_on(token_id) == P.USER_ADMINISTER
    return resource_response(shown_token((TOKENS_OF_USERS if is_of_user else TOKENS).get({"id": token_id})))


@blueprint.delete("/authentication-tokens/<token_id>")
@requires(P.TOKEN_MANAGE, P.PROJECT_MANAGE_OWNERS, P.USER_ADMINISTER, P.SITE_ROLE_MANAGE)
@describes(status=204, errors=(403,))
def destroy_token(token_id: str) -> Response:
    """Revoke a token at once. For a token with the role owner of a project, you must manage the project's owners.

    Administrators of the site revoke the tokens of all users; only super users revoke those of administrators.
    """
    service.destroy_token(token_id)
    return no_content()


def _purpose() -> str:
    """Which of the organization's tokens the request means; a purpose that does not exist has no token."""
    purpose = request.args.get("token", "")
    if purpose not in {"", AUDIT_TRAILS}:
        raise NotFound
    return purpose
