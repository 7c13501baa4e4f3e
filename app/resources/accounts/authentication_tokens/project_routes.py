"""The tokens of projects over HTTP."""

from flask import Response
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.schema import load
from app.models.project_members import OWNER
from app.models.projects import Project
from app.resources.accounts.authentication_tokens.blueprint import blueprint, issue_token, shown_once
from app.resources.accounts.authentication_tokens.listing import PROJECT_TOKENS
from app.resources.accounts.authentication_tokens.operations import check_description
from app.resources.accounts.authentication_tokens.schema import ProjectTokenSchema
from app.web.guard import describes, requires
from app.web.policy import denial, get_for_update, get_visible, is_allowed, require
from app.web.requests import body
from app.web.transaction import transaction

MANY = "/projects/<project_id>/authentication-tokens"


@blueprint.get(MANY)
@requires(P.PROJECT_READ, P.TOKEN_MANAGE)
@describes(listing=PROJECT_TOKENS, errors=(400,))
def list_tokens_of_project(project_id: str) -> Response:
    """List the tokens of a project, without their texts."""
    row = get_visible(Project, project_id)
    require(P.TOKEN_MANAGE, row, Project)
    return PROJECT_TOKENS.page_response({"organization_id": row.organization_id, "project_id": project_id})


@blueprint.post(MANY)
@requires(P.PROJECT_READ, P.TOKEN_MANAGE, P.PROJECT_MANAGE_OWNERS)
@describes(body=ProjectTokenSchema, answer=ProjectTokenSchema, status=201, errors=(403, 422))
def create_project_token(project_id: str) -> Response:
    """Create a token that has a role in this project and is valid nowhere else. Only this answer has its text."""
    members = load(ProjectTokenSchema, body())
    with transaction() as session:
        project = _project(session, project_id, members["role"])
        check_description(session, members.get("description"), project_id=project.id)
        text, shown = issue_token(session, members, organization_id=project.organization_id, project_id=project.id)
    return shown_once(shown, text)


def _project(session: Session, project_id: str, role: str) -> Project:
    project = get_for_update(session, Project, project_id, P.TOKEN_MANAGE)
    # Whoever has a token with the role owns the project.
    if role == OWNER and not is_allowed(P.PROJECT_MANAGE_OWNERS, project):
        raise denial(P.PROJECT_MANAGE_OWNERS)
    return project
