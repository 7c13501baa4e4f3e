"""Members of projects over HTTP (mission: C4, C5, D3, D4)."""

from typing import Any

from flask import Blueprint, Response, request

from app.authz.permissions import P
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.models.projects import Project
from app.resources.access.project_members import service
from app.resources.access.project_members.includes import INCLUDES, included, including
from app.resources.access.project_members.listing import MEMBERS
from app.resources.access.project_members.schema import (
    CellScopesSchema,
    NewProjectMemberSchema,
    OwnerSchema,
    ProjectMemberSchema,
)
from app.resources.projects.dry_runs.document import DRY_RUN, SEEN_BY, DryRun, dry_run_response
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import get_visible
from app.web.requests import body, flag

blueprint = Blueprint("project_members", __name__, url_prefix="/api/v2")


@blueprint.get("/projects/<project_id>/members")
@requires(P.PROJECT_READ, P.PROJECT_READ_MEMBERS)
@describes(listing=MEMBERS, includes=INCLUDES, errors=(400,))
def list_project_members(project_id: str) -> Response:
    """List the members of a project that the caller can see. A caller whose role is limited sees only their own."""
    project = get_visible(Project, project_id)
    wanted = includes_of(request.args, INCLUDES)
    parents = {"organization_id": project.organization_id, "project_id": project_id}
    return MEMBERS.page_response(parents, include=including(wanted))


@blueprint.post("/projects/<project_id>/members")
@requires(P.PROJECT_READ_MEMBERS, P.PROJECT_READ, P.PROJECT_MANAGE_MEMBERS, P.PROJECT_MANAGE_OWNERS, P.ENVIRONMENT_READ)
@describes(body=NewProjectMemberSchema, answer=ProjectMemberSchema, status=201, errors=(400, 403, 422))
def create_project_member(project_id: str) -> Response:
    """Give a member of the organization a role in a project, or in one environment or some cells of it.

    The person is named by the relationship `user`, or by the attribute `username` or `email`.
    """
    members = load(NewProjectMemberSchema, body())
    return resource_response(service.create_project_member(project_id, members), 201)


@blueprint.get("/project-members/<member_id>")
@requires(P.PROJECT_READ_MEMBERS)
@describes(answer=ProjectMemberSchema, includes=INCLUDES, errors=(400,))
def show_project_member(member_id: str) -> Response:
    """Show a member of a project."""
    wanted = includes_of(request.args, INCLUDES)
    row = MEMBERS.get({"id": member_id})
    return resource_response(MEMBERS.to_resource(row), included=included([row], wanted) if wanted else None)


@blueprint.patch("/project-members/<member_id>")
@requires(P.PROJECT_READ_MEMBERS, P.PROJECT_READ, P.PROJECT_MANAGE_MEMBERS, P.PROJECT_MANAGE_OWNERS, P.ENVIRONMENT_READ)
@describes(body=ProjectMemberSchema, is_partial=True, answer=ProjectMemberSchema, errors=(400, 403, 422))
def update_project_member(member_id: str) -> Response:
    """Change the role of a project's member, or what it is limited to; the user can't be changed."""
    members = load(ProjectMemberSchema, body(), partial=True, identifier=member_id)
    members.pop("user_id", None)
    return _update(member_id, members)


@blueprint.put("/project-members/<member_id>/cell-scopes")
@requires(P.PROJECT_READ_MEMBERS, P.PROJECT_READ, P.PROJECT_MANAGE_MEMBERS, P.PROJECT_MANAGE_OWNERS)
@describes(body=CellScopesSchema, answer=ProjectMemberSchema, errors=(403, 422))
def set_cell_scopes(member_id: str) -> Response:
    """Set the cells that the role of a project's member is limited to; null removes the limit."""
    return _update(member_id, load(CellScopesSchema, body(), identifier=member_id))


@blueprint.delete("/project-members/<member_id>")
@requires(P.PROJECT_READ_MEMBERS, P.PROJECT_READ, P.ACCESS_GIVE_UP, P.PROJECT_MANAGE_MEMBERS, P.PROJECT_MANAGE_OWNERS)
@describes(status=204, errors=(403,))
def destroy_project_member(member_id: str) -> Response:
    """Remove a member's role in a project; everybody may give up their own."""
    service.destroy_project_member(member_id)
    return no_content()


@blueprint.post("/projects/<project_id>/actions/transfer-ownership")
@requires(P.PROJECT_READ_MEMBERS, P.PROJECT_READ, P.PROJECT_MANAGE_OWNERS, P.ACCESS_GIVE_UP, *SEEN_BY)
@describes(body=OwnerSchema, answer=ProjectMemberSchema, dry_run=DRY_RUN, errors=(403, 422))
def transfer_ownership(project_id: str) -> Response:
    """Transfer a project to a member of the organization; the former owner becomes its admin."""
    done = service.transfer_ownership(project_id, load(OwnerSchema, body()), is_dry=flag("dry-run"))
    return dry_run_response(done) if isinstance(done, DryRun) else resource_response(done)


def _update(member_id: str, members: dict[str, Any]) -> Response:
    return resource_response(service.update_project_member(member_id, members))
