"""The tokens of teams over HTTP (spec: tokens)."""

from flask import Response
from sqlalchemy import select

from app.authz.permissions import P
from app.jsonapi.body import identifiers, resource_list
from app.jsonapi.errors import NotFound
from app.jsonapi.schema import load
from app.models.authentication_tokens import AuthenticationToken
from app.models.teams import Team
from app.resources.accounts.authentication_tokens import service
from app.resources.accounts.authentication_tokens.blueprint import blueprint, shown_once
from app.resources.accounts.authentication_tokens.listing import TEAM_TOKENS
from app.resources.accounts.authentication_tokens.schema import AuthenticationTokenSchema, TeamTokenSchema
from app.web.answers import no_content, resource_response
from app.web.context import reader
from app.web.guard import describes, requires
from app.web.policy import get_visible, mark_policy_checked, organization_or_404
from app.web.requests import body, optional_body

ONE = "/teams/<team_id>/authentication-token"
MANY = "/teams/<team_id>/authentication-tokens"
IN_ORGANIZATION = "/organizations/<organization>/team-tokens"
AT_ONCE = 1_000
IDENTIFIERS = {"$ref": "#/components/schemas/authentication-tokens-identifiers"}


@blueprint.post(ONE)
@requires(P.TEAM_READ, P.TOKEN_MANAGE, P.OWNERS_UPDATE_MEMBERSHIP)
@describes(body=AuthenticationTokenSchema, is_partial=True, answer=TeamTokenSchema, status=201, errors=(422,))
def create_team_token(team_id: str) -> Response:
    """Create the team's token without a description; an existing one stops working. Only this answer has the text."""
    sent = load(AuthenticationTokenSchema, optional_body())
    text, shown = service.create_team_token(team_id, sent)
    return shown_once(shown, text)


@blueprint.get(ONE)
@requires(P.TOKEN_MANAGE)
@describes(answer=TeamTokenSchema)
def show_team_token(team_id: str) -> Response:
    """Show the team's token without a description, and without its text; 404 when there is none."""
    mark_policy_checked(P.TOKEN_MANAGE)
    found = (
        reader()
        .execute(
            select(AuthenticationToken.__table__.c.id).where(
                AuthenticationToken.team_id == team_id,
                AuthenticationToken.description.is_(None),
            ),
        )
        .one_or_none()
    )
    if found is None:
        raise NotFound
    return resource_response(TEAM_TOKENS.get_resource({"id": found.id}))


@blueprint.delete(ONE)
@requires(P.TEAM_READ, P.TOKEN_MANAGE, P.OWNERS_UPDATE_MEMBERSHIP)
@describes(status=204)
def destroy_team_token(team_id: str) -> Response:
    """Revoke the team's token without a description at once; 404 when there is none.

    With the id of a token of a team in the place of the team's, as clients send it, this token is revoked.
    """
    if team_id.startswith("at-"):
        service.destroy_team_token_by_id(team_id)
    else:
        service.destroy_team_token(team_id)
    return no_content()


@blueprint.get(MANY)
@requires(P.TEAM_READ, P.TOKEN_MANAGE, P.OWNERS_UPDATE_MEMBERSHIP)
@describes(listing=TEAM_TOKENS, errors=(400,))
def list_tokens_of_team(team_id: str) -> Response:
    """List the tokens of a team."""
    team = get_visible(Team, team_id)
    service.require_may_manage_tokens(team)
    return TEAM_TOKENS.page_response({"organization_id": team.organization_id, "team_id": team_id})


@blueprint.post(MANY)
@requires(P.TEAM_READ, P.TOKEN_MANAGE, P.OWNERS_UPDATE_MEMBERSHIP)
@describes(body=AuthenticationTokenSchema, is_partial=True, answer=TeamTokenSchema, status=201, errors=(422,))
def create_described_team_token(team_id: str) -> Response:
    """Create another token of a team, with its own description. Only this answer has the text."""
    members = load(AuthenticationTokenSchema, body())
    text, shown = service.create_described_team_token(team_id, members)
    return shown_once(shown, text)


@blueprint.get(IN_ORGANIZATION)
@requires(P.ORGANIZATION_READ, P.TOKEN_MANAGE)
@describes(listing=TEAM_TOKENS, errors=(400,))
def list_team_tokens(organization: str) -> Response:
    """List the tokens of those teams of an organization whose tokens the caller manages; 404 without such a team."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    service.require_may_manage_some_tokens(org.id)
    return TEAM_TOKENS.page_response({"organization_id": org.id, "kind": "team"})


@blueprint.delete(IN_ORGANIZATION)
@requires(P.ORGANIZATION_READ, P.TOKEN_MANAGE)
@describes(body=IDENTIFIERS, status=204, errors=(422,))
def destroy_team_tokens(organization: str) -> Response:
    """Revoke tokens of teams at once: all of them, or none."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    wanted = identifiers(resource_list(body(), ("authentication-tokens",), AT_ONCE))
    service.destroy_team_tokens(org, wanted)
    return no_content()
