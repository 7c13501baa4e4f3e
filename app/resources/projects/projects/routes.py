"""Projects over HTTP (spec: projects)."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from app.authentication.callers import OrganizationRef
from app.authentication.granting import add_projects
from app.authz.grants import Source
from app.authz.permissions import P
from app.authz.roles import PROJECT_ROLES
from app.jsonapi.errors import Forbidden, Taken
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.models.environments import default_environment
from app.models.projects import Project, slug_of
from app.resources.inheritance.agent_pools import open_to_project
from app.resources.inheritance.execution_mode import PoolConsumer, execution_of_organization, resolve_execution
from app.resources.projects.projects.creation import first_owner, free_slug
from app.resources.projects.projects.listing import PROJECTS
from app.resources.projects.projects.operations import (
    check_cloud_provider,
    delete_project,
)
from app.resources.projects.projects.schema import ProjectSchema
from app.resources.projects.tag_bindings.listing import include_effective_tags
from app.resources.projects.tag_bindings.operations import add_tags, replace_tags
from app.web.answers import no_content, resource_response
from app.web.context import caller
from app.web.guard import describes, requires
from app.web.listing import ResourceObject
from app.web.policy import NOT_AUTHORIZED, denial, get_for_update, is_allowed, organization_or_404
from app.web.requests import body, flag
from app.web.transaction import apply_changes, created_changes, insert, record_event, record_events, transaction

blueprint = Blueprint("projects", __name__, url_prefix="/api/v2")

INCLUDES = ("effective_tag_bindings",)
SLUG = "/data/attributes/slug"
PUBLIC_READ = "/data/attributes/public-read"


@blueprint.get("/organizations/<organization>/projects")
@requires(P.ORGANIZATION_READ, P.PROJECT_READ)
@describes(listing=PROJECTS, includes=INCLUDES, errors=(400,))
def list_projects(organization: str) -> Response:
    """List the projects of an organization that the caller can see."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    included = includes_of(request.args, INCLUDES)
    return PROJECTS.page_response({"organization_id": org.id}, include=include_effective_tags if included else None)


@blueprint.post("/organizations/<organization>/projects")
@requires(P.PROJECT_READ, P.PROJECT_CREATE)
@describes(body=ProjectSchema, answer=ProjectSchema, status=201, errors=(422,))
def create_project(organization: str) -> Response:
    """Create a project."""
    org = organization_or_404(organization, P.PROJECT_CREATE)
    members = load(ProjectSchema, body())
    if "slug" in members:
        return resource_response(_create(org, members), 201)
    try:
        return resource_response(_create(org, {**members, "slug": slug_of(members["name"])}), 201)
    except Taken as taken:
        # Few names have the slug of another one: that is looked for only then.
        if taken.pointer != SLUG:
            raise
    return resource_response(_create(org, members), 201)


def _create(org: OrganizationRef, sent: Mapping[str, Any]) -> ResourceObject:
    members = dict(sent)
    with transaction() as session:
        tags = members.pop("tag_bindings", {})
        settled = _resolve_settings(session, members, None, org.id)
        if "slug" not in settled:
            settled["slug"] = free_slug(session, org.id, settled["name"])
        project = Project(organization_id=org.id, **settled)
        insert(session, project)
        insert(session, default_environment(project))
        if org.membership_id is not None:
            owner = first_owner(project, org.membership_id)
            insert(session, owner)
            # The caller's grants were loaded before there was anything to own.
            add_projects(caller().grants, [project.id], PROJECT_ROLES[owner.role], Source("project-members", owner.id))
        if tags:
            add_tags(session, project, tags)
            session.flush()
        record_event(
            session,
            "projects.create",
            project,
            _event_changes(created_changes({**settled, "tag_bindings": tags or None})),
        )
        return PROJECTS.get_resource({"id": project.id}, session)


@blueprint.get("/projects/<project_id>")
@requires(P.PROJECT_READ)
@describes(answer=ProjectSchema, includes=INCLUDES, errors=(400,))
def show_project(project_id: str) -> Response:
    """Show a project."""
    included = includes_of(request.args, INCLUDES)
    row = PROJECTS.get({"id": project_id})
    shown = PROJECTS.to_resource(row)
    return resource_response(shown, included=include_effective_tags([row], [shown]) if included else None)


@blueprint.patch("/projects/<project_id>")
@requires(P.PROJECT_READ, P.PROJECT_UPDATE, P.PROJECT_MANAGE_MEMBERS)
@describes(body=ProjectSchema, is_partial=True, answer=ProjectSchema, errors=(403, 422))
def update_project(project_id: str) -> Response:
    """Update a project; members that are left out stay as they are.

    Only those who manage the project's members may turn ``public-read`` on or off.
    """
    members = load(ProjectSchema, body(), partial=True, identifier=project_id)
    with transaction() as session:
        project = get_for_update(session, Project, project_id, P.PROJECT_UPDATE)
        changes: dict[str, Any] = {}
        tags = members.pop("tag_bindings", None)
        if tags is not None:
            replaced = replace_tags(session, project, tags)
            changes = {"tag-bindings": replaced} if replaced else {}
        changes |= apply_changes(project, _resolve_settings(session, members, project, project.organization_id))
        if "public-read" in changes and not is_allowed(P.PROJECT_MANAGE_MEMBERS, project):
            # To open it to everybody is to give access, which the right to change settings is not.
            raise Forbidden(NOT_AUTHORIZED, pointer=PUBLIC_READ)
        session.flush()
        if changes:
            record_event(session, "projects.update", project, _event_changes(changes))
        shown = PROJECTS.get_resource({"id": project_id}, session)
    return resource_response(shown)


@blueprint.delete("/projects/<project_id>")
@requires(P.PROJECT_READ, P.PROJECT_DELETE, P.PROJECT_FORCE_DELETE)
@describes(status=204, parameters=(("force", "true deletes the project with its workspaces"),), errors=(400, 403))
def destroy_project(project_id: str) -> Response:
    """Delete a project; with force=true also the workspaces in it. All or nothing is deleted."""
    by_force = flag("force")
    with transaction() as session:
        project = get_for_update(session, Project, project_id, P.PROJECT_DELETE)
        if by_force and not is_allowed(P.PROJECT_FORCE_DELETE, project):
            raise denial(P.PROJECT_FORCE_DELETE)
        workspaces = delete_project(session, project, by_force=by_force)
        record_events(session, "workspaces.delete", [(workspace, None) for workspace in workspaces])
        record_event(
            session, "projects.delete", project, {"workspace-count": [len(workspaces), 0]} if workspaces else None
        )
    return no_content()


def _event_changes(changes: dict[str, Any]) -> dict[str, Any]:
    # The column can't have the name of the member.
    return {"metadata" if name == "custom-metadata" else name: transaction for name, transaction in changes.items()}


def _resolve_settings(
    session: Session, members: dict[str, Any], current: Project | None, organization_id: str
) -> dict[str, Any]:
    check_cloud_provider(members.get("cloud_provider_id"))
    place = PoolConsumer(organization_id, "project", partial(open_to_project, current.id if current else None))
    inherited = partial(execution_of_organization, session, organization_id)
    return resolve_execution(session, members, current, place, inherited=inherited)
