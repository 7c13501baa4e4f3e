"""Workspaces over HTTP, by id and by organization and name (spec: workspaces)."""

from functools import partial
from typing import Any

from flask import Response, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.authz.rules import holds
from app.jsonapi.errors import NotFound
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.persistence import now
from app.resources.agent_pools.usage import open_to_workspace
from app.resources.organizations.execution_mode import Place, execution_of_project, own_execution
from app.resources.projects.model import Project
from app.resources.projects.operations import WorkspacesNotMovable, move_workspaces
from app.resources.tag_bindings.operations import replace_plain_tags, replace_tags
from app.resources.tags.operations import SentTags, names_of
from app.resources.workspaces import consumer_routes, lock_routes
from app.resources.workspaces.blueprint import BY_NAME, blueprint, by_name
from app.resources.workspaces.includes import INCLUDES, including
from app.resources.workspaces.listing import WORKSPACES
from app.resources.workspaces.model import Workspace
from app.resources.workspaces.operations import (
    check_safe_to_delete,
    settle_auto_destroy,
    settle_operations,
    settle_settings,
)
from app.resources.workspaces.places import check_place, settle_place
from app.resources.workspaces.schema import WorkspaceSchema
from app.storage.ledger import condemn, named_by
from app.web.answers import nothing, resource
from app.web.context import caller, enter, subject
from app.web.guard import describes, requires
from app.web.requests import body
from app.web.transaction import assign, change, insert, made, record

__all__ = ["blueprint", "consumer_routes", "lock_routes"]


@blueprint.get("/organizations/<organization>/workspaces")
@requires(P.ORGANIZATION_READ, P.WORKSPACE_READ)
@describes(listing=WORKSPACES, includes=INCLUDES, errors=(400,))
def list_workspaces(organization: str) -> Response:
    """List the workspaces of an organization that the caller can see."""
    home = enter(organization, P.ORGANIZATION_READ)
    return WORKSPACES.page({"organization_id": home.id}, include=including(includes_of(request.args, INCLUDES)))


@blueprint.post("/organizations/<organization>/workspaces")
@requires(P.ORGANIZATION_READ, P.PROJECT_CREATE_WORKSPACE)
@describes(body=WorkspaceSchema, answer=WorkspaceSchema, status=201, errors=(422,))
def create_workspace(organization: str) -> Response:
    """Create a workspace in a project, the default project unless the request names another."""
    home = enter(organization, P.ORGANIZATION_READ)
    members = load(WorkspaceSchema, body())
    with change() as session:
        project_id = members.pop("project_id", None) or _default_project(session, home.id)
        project = _destination(session, project_id, home.id, P.PROJECT_READ)
        tags = _sent_tags(members)
        place = settle_place(session, members, project.id)
        settled = _settle(session, members, None, home.id, project.id)
        workspace = Workspace(organization_id=home.id, project_id=project.id, source=_source(), **place, **settled)
        check_place(workspace)
        insert(session, workspace)
        tagged = _tag(session, workspace, tags)
        session.flush()
        record(session, "workspaces.create", workspace, {**made({**settled, **place, "project": project.id}), **tagged})
        shown = WORKSPACES.show({"id": workspace.id}, session)
    return resource(shown, 201)


@blueprint.get("/workspaces/<workspace_id>")
@requires(P.WORKSPACE_READ)
@describes(answer=WorkspaceSchema, includes=INCLUDES, errors=(400,))
def show_workspace(workspace_id: str) -> Response:
    """Show a workspace."""
    return _show({"id": workspace_id})


@blueprint.get(BY_NAME)
@requires(P.ORGANIZATION_READ, P.WORKSPACE_READ)
@describes(answer=WorkspaceSchema, includes=INCLUDES, errors=(400,))
def show_workspaceby_name(organization: str, name: str) -> Response:
    """Show the workspace of an organization with this name."""
    return _show(by_name(organization, name))


@blueprint.patch("/workspaces/<workspace_id>")
@requires(P.WORKSPACE_UPDATE, P.WORKSPACE_MOVE, P.PROJECT_MOVE_WORKSPACE)
@describes(body=WorkspaceSchema, is_partial=True, answer=WorkspaceSchema, errors=(403, 422))
def update_workspace(workspace_id: str) -> Response:
    """Update, rename or move a workspace; members that are left out stay as they are."""
    return _update(workspace_id)


@blueprint.patch(BY_NAME)
@requires(P.ORGANIZATION_READ, P.WORKSPACE_UPDATE, P.WORKSPACE_MOVE, P.PROJECT_MOVE_WORKSPACE)
@describes(body=WorkspaceSchema, is_partial=True, answer=WorkspaceSchema, errors=(403, 422))
def update_workspaceby_name(organization: str, name: str) -> Response:
    """Update, rename or move the workspace of an organization with this name."""
    return _update(WORKSPACES.one(by_name(organization, name)).id)


@blueprint.delete("/workspaces/<workspace_id>")
@requires(P.WORKSPACE_FORCE_DELETE)
@describes(status=204, errors=(403,))
def destroy_workspace(workspace_id: str) -> Response:
    """Delete a workspace by force, whatever it manages and whoever has locked it."""
    return _destroy(workspace_id, P.WORKSPACE_FORCE_DELETE)


@blueprint.delete(BY_NAME)
@requires(P.ORGANIZATION_READ, P.WORKSPACE_FORCE_DELETE)
@describes(status=204, errors=(403,))
def destroy_workspaceby_name(organization: str, name: str) -> Response:
    """Delete the workspace of an organization with this name by force."""
    return _destroy(WORKSPACES.one(by_name(organization, name)).id, P.WORKSPACE_FORCE_DELETE)


@blueprint.post("/workspaces/<workspace_id>/actions/safe-delete")
@requires(P.WORKSPACE_DELETE)
@describes(status=204, errors=(409,))
def safely_destroy_workspace(workspace_id: str) -> Response:
    """Delete a workspace that is unlocked and manages nothing."""
    return _destroy(workspace_id, P.WORKSPACE_DELETE)


@blueprint.post(f"{BY_NAME}/actions/safe-delete")
@requires(P.ORGANIZATION_READ, P.WORKSPACE_DELETE)
@describes(status=204, errors=(409,))
def safely_destroy_workspaceby_name(organization: str, name: str) -> Response:
    """Delete the workspace of an organization with this name, if it is unlocked and manages nothing."""
    return _destroy(WORKSPACES.one(by_name(organization, name)).id, P.WORKSPACE_DELETE)


def _show(conditions: dict[str, Any]) -> Response:
    include = including(includes_of(request.args, INCLUDES))
    row = WORKSPACES.one(conditions)
    shown = WORKSPACES.shown(row)
    return resource(shown, included=include([row], [shown]) if include else None)


def _update(workspace_id: str) -> Response:
    members = load(WorkspaceSchema, body(), partial=True, identifier=workspace_id)
    with change() as session:
        destination_id = members.pop("project_id", None)
        # Who only moves needs the right to move, not the right to change settings.
        needed = P.WORKSPACE_UPDATE if members or destination_id is None else P.WORKSPACE_READ
        workspace = subject(session, Workspace, workspace_id, needed, visible_by=P.WORKSPACE_READ)
        changes: dict[str, Any] = {}
        if destination_id is not None and destination_id != workspace.project_id:
            changes = _move(session, workspace, destination_id)
        changes |= _tag(session, workspace, _sent_tags(members))
        place = assign(workspace, settle_place(session, members, workspace.project_id, workspace))
        if place:
            check_place(workspace)
        settled = _settle(session, members, workspace, workspace.organization_id, workspace.project_id)
        changes |= place | assign(workspace, settled)
        if changes:
            workspace.updated_at = now()
            record(session, "workspaces.update", workspace, changes)
        session.flush()
        shown = WORKSPACES.show({"id": workspace_id}, session)
    return resource(shown)


def _move(session: Session, workspace: Workspace, destination_id: str) -> dict[str, Any]:
    destination = _destination(session, destination_id, workspace.organization_id, P.PROJECT_MOVE_WORKSPACE)
    if not holds(caller(), P.WORKSPACE_MOVE, workspace):
        raise WorkspacesNotMovable([workspace.id])
    return move_workspaces(session, [workspace], destination)[workspace.id]


def _destination(session: Session, project_id: str, organization_id: str, permission: P) -> Project:
    project = subject(session, Project, project_id, permission, visible_by=P.PROJECT_READ, is_kept=True)
    if project.organization_id != organization_id:
        raise NotFound
    return project


def _default_project(session: Session, organization_id: str) -> str:
    found = select(Project.id).where(Project.organization_id == organization_id, Project.is_default)
    project_id = session.scalars(found).one_or_none()
    if project_id is None:  # the organization was deleted since the caller entered it
        raise NotFound
    return project_id


def _settle(
    session: Session, members: dict[str, Any], current: Workspace | None, organization_id: str, project_id: str
) -> dict[str, Any]:
    settled = settle_settings(settle_auto_destroy(settle_operations(members), current), current)
    place = Place(organization_id, "workspace", open_to_workspace(current.id if current else None, project_id))
    return own_execution(session, settled, current, place, inherited=partial(execution_of_project, session, project_id))


def _sent_tags(members: dict[str, Any]) -> tuple[dict[str, str] | None, SentTags | None]:
    return members.pop("tag_bindings", None), members.pop("tags", None)


def _tag(
    session: Session,
    workspace: Workspace,
    tags: tuple[dict[str, str] | None, SentTags | None],
) -> dict[str, Any]:
    bindings, plain = tags
    changes = {}
    if bindings is not None:
        changes = replace_tags(session, workspace, bindings)
    if plain is not None:
        changes |= replace_plain_tags(session, workspace, names_of(session, workspace.organization_id, plain))
    return {"tag-bindings": changes} if changes else {}


def _source() -> str:
    # The terraform CLI says who it is when a configuration has a cloud block.
    return "terraform" if request.headers.get("X-Terraform-Integration") == "cloud" else "tfe-api"


def _destroy(workspace_id: str, permission: P) -> Response:
    with change() as session:
        workspace = subject(session, Workspace, workspace_id, permission, visible_by=P.WORKSPACE_READ)
        if permission is P.WORKSPACE_DELETE:
            check_safe_to_delete(workspace)
        condemn(session, named_by("workspace_id", [workspace.id]))
        session.delete(workspace)
        record(session, "workspaces.delete", workspace)
    return nothing()
