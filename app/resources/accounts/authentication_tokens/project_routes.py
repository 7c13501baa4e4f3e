"""The tokens of projects over HTTP."""

from flask import Response

from app.authz.permissions import P
from app.jsonapi.schema import load
from app.models.projects import Project
from app.resources.accounts.authentication_tokens import service
from app.resources.accounts.authentication_tokens.blueprint import blueprint, shown_once
from app.resources.accounts.authentication_tokens.listing import PROJECT_TOKENS
from app.resources.accounts.authentication_tokens.schema import ProjectTokenSchema
from app.web.answers import resource_response
from app.web.guard import describes, requires
from app.web.policy import get_visible, require
from app.web.requests import body

MANY = "/projects/<project_id>/authentication-tokens"


@blueprint.get(MANY)
@requires(P.PROJECT_READ, P.TOKEN_MANAGE)
@describes(listing=PROJECT_TOKENS, errors=(400,))
def list_tokens_of_project(project_id: str) -> Response:
    """List the tokens of a project, without their texts; with filters for who made and who holds them."""
    row = get_visible(Project, project_id)
    require(P.TOKEN_MANAGE, row, Project)
    return PROJECT_TOKENS.page_response({"organization_id": row.organization_id, "project_id": project_id})


@blueprint.post(MANY)
@requires(P.PROJECT_READ, P.TOKEN_MANAGE, P.PROJECT_MANAGE_OWNERS)
@describes(body=ProjectTokenSchema, answer=ProjectTokenSchema, status=201, errors=(403, 422))
def create_project_token(project_id: str) -> Response:
    """Create a token that has a role in this project and is valid nowhere else. Only this answer has its text.

    The token never manages members, teams, invitations or tokens. You hold it: it ends when you leave the project or
    the organization, or lose its role in the project, unless somebody else takes it over.
    """
    members = load(ProjectTokenSchema, body())
    text, shown = service.create_project_token(project_id, members)
    return shown_once(shown, text)


@blueprint.post("/authentication-tokens/<token_id>/actions/take-over")
@requires(P.TOKEN_MANAGE, P.PROJECT_MANAGE_OWNERS)
@describes(answer=ProjectTokenSchema, errors=(403, 422))
def take_over_token(token_id: str) -> Response:
    """Become the holder of a project's token, so that it goes on when its present holder leaves.

    You must manage the tokens of the project; for a token with the role owner, the project's owners as well. A token of
    the organization or a team that takes it over is no user: then nobody's leaving ends it.
    """
    return resource_response(service.take_over_token(token_id))
