"""The members of projects over HTTP (mission: C4, C5, D3, D4)."""

from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.models.project_members import OWNER, ProjectMember
from app.models.projects import Project
from app.resources.access.project_members.includes import INCLUDES, included, including
from app.resources.access.project_members.listing import MEMBERS
from app.resources.access.project_members.operations import check_scope, event_changes, keep_an_owner
from app.resources.access.project_members.ownership import transfer
from app.resources.access.project_members.roles import require_may_grant, resolve_environment
from app.resources.access.project_members.schema import CellScopesSchema, OwnerSchema, ProjectMemberSchema
from app.resources.organizations.organization_memberships.members import active_member, username_of
from app.resources.projects.projects.listing import PROJECTS
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import get_for_update, is_allowed
from app.web.requests import body
from app.web.transaction import apply_changes, created_changes, insert, record_event, record_events, transaction

blueprint = Blueprint("project_members", __name__, url_prefix="/api/v2")


@blueprint.get("/projects/<project_id>/members")
@requires(P.PROJECT_READ, P.PROJECT_READ_MEMBERS)
@describes(listing=MEMBERS, includes=INCLUDES, errors=(400,))
def list_project_members(project_id: str) -> Response:
    """List the members of a project that the caller can see. A caller whose role is limited sees only their own."""
    project = PROJECTS.get({"id": project_id})
    wanted = includes_of(request.args, INCLUDES)
    parents = {"organization_id": project.organization_id, "project_id": project_id}
    return MEMBERS.page_response(parents, include=including(wanted))


@blueprint.post("/projects/<project_id>/members")
@requires(P.PROJECT_READ_MEMBERS, P.PROJECT_READ, P.PROJECT_MANAGE_MEMBERS, P.PROJECT_MANAGE_OWNERS)
@describes(body=ProjectMemberSchema, answer=ProjectMemberSchema, status=201, errors=(400, 403, 422))
def create_project_member(project_id: str) -> Response:
    """Give a member of the organization a role in a project, or in one environment or some cells of it."""
    members = load(ProjectMemberSchema, body())
    with transaction() as session:
        project = get_for_update(session, Project, project_id, P.PROJECT_MANAGE_MEMBERS, share_lock=True)
        require_may_grant(project, members["role"])
        check_scope(members)
        resolve_environment(session, members, project)
        user = active_member(session, project.organization_id, members.pop("user_id"))
        place = {"organization_id": project.organization_id, "project_id": project_id}
        member = ProjectMember(**place, membership_id=user.membership_id, **members)
        insert(session, member)
        record_event(
            session,
            "project-members.create",
            member,
            event_changes(created_changes({"username": user.username, **members})),
        )
        shown = MEMBERS.get_resource({"id": member.id}, session)
    return resource_response(shown, 201)


@blueprint.get("/project-members/<member_id>")
@requires(P.PROJECT_READ_MEMBERS)
@describes(answer=ProjectMemberSchema, includes=INCLUDES, errors=(400,))
def show_project_member(member_id: str) -> Response:
    """Show a member of a project."""
    wanted = includes_of(request.args, INCLUDES)
    row = MEMBERS.get({"id": member_id})
    return resource_response(MEMBERS.to_resource(row), included=included([row], wanted) if wanted else None)


@blueprint.patch("/project-members/<member_id>")
@requires(P.PROJECT_READ_MEMBERS, P.PROJECT_READ, P.PROJECT_MANAGE_MEMBERS, P.PROJECT_MANAGE_OWNERS)
@describes(body=ProjectMemberSchema, is_partial=True, answer=ProjectMemberSchema, errors=(400, 403, 422))
def update_project_member(member_id: str) -> Response:
    """Change the role of a project's member, or where it holds; the user can't be changed."""
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
    with transaction() as session:
        project = _project_of(session, member_id, P.PROJECT_READ)
        member = _locked(session, member_id)
        if not is_allowed(P.ACCESS_GIVE_UP, member):
            require_may_grant(project, member.role)
        username = username_of(session, member.membership_id)
        session.delete(member)
        session.flush()
        if member.role == OWNER:
            keep_an_owner(session, project.id)
        changes = {"username": [username, None], "role": [member.role, None]}
        record_event(session, "project-members.delete", member, changes)
    return no_content()


@blueprint.post("/projects/<project_id>/actions/transfer-ownership")
@requires(P.PROJECT_READ_MEMBERS, P.PROJECT_READ, P.PROJECT_MANAGE_OWNERS, P.ACCESS_GIVE_UP)
@describes(body=OwnerSchema, answer=ProjectMemberSchema, errors=(403, 422))
def transfer_ownership(project_id: str) -> Response:
    """Transfer a project to a member of the organization; the former owner becomes its admin."""
    wanted = load(OwnerSchema, body())["user_id"]
    with transaction() as session:
        project = get_for_update(session, Project, project_id, P.PROJECT_MANAGE_OWNERS)
        done = transfer(session, project, active_member(session, project.organization_id, wanted))
        if done.created or done.updated:
            record_event(session, "projects.transfer-ownership", project, {"owners": done.owners})
            record_events(session, "project-members.create", done.created)
            record_events(session, "project-members.update", done.updated)
        shown = MEMBERS.get_resource({"id": done.owner_id}, session)
    return resource_response(shown)


def _update(member_id: str, members: dict[str, Any]) -> Response:
    with transaction() as session:
        project = _project_of(session, member_id, P.PROJECT_MANAGE_MEMBERS)
        resolve_environment(session, members, project)
        member = _locked(session, member_id)
        was_owner = member.role == OWNER
        require_may_grant(project, member.role, members.get("role", member.role))
        check_scope(members, member)
        changes = event_changes(apply_changes(member, members))
        session.flush()
        if was_owner and member.role != OWNER:
            keep_an_owner(session, project.id)
        if changes:
            username = username_of(session, member.membership_id)
            record_event(session, "project-members.update", member, {"username": [username] * 2, **changes})
        shown = MEMBERS.get_resource({"id": member_id}, session)
    return resource_response(shown)


def _project_of(session: Session, member_id: str, permission: P) -> Project:
    # Locked before the member, so that the owners of a project change one after the other.
    project_id = MEMBERS.get({"id": member_id}, session).project_id
    return get_for_update(session, Project, project_id, permission)


def _locked(session: Session, member_id: str) -> ProjectMember:
    member = session.get(ProjectMember, member_id, with_for_update=True)
    if member is None:  # gone since it was read
        raise NotFound
    return member
