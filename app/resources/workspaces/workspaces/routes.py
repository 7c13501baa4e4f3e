"""Workspaces over HTTP, by id and by organization and name (spec: workspaces)."""

from typing import Any

from flask import Response, request

from app.authz.permissions import P
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.resources.projects.dry_runs.document import DRY_RUN, SEEN_BY, DryRun, dry_run_response
from app.resources.workspaces.workspaces import (
    account_routes,
    consumer_routes,
    lock_routes,
    move_routes,
    project_routes,
    service,
    ssh_key_routes,
)
from app.resources.workspaces.workspaces.blueprint import BY_NAME, FORCE, blueprint, by_name
from app.resources.workspaces.workspaces.includes import INCLUDED_PERMISSIONS, INCLUDES, including
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.resources.workspaces.workspaces.moving import SECRETS
from app.resources.workspaces.workspaces.schema import WorkspaceSchema
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import organization_or_404
from app.web.requests import body, flag

__all__ = [
    "account_routes",
    "blueprint",
    "consumer_routes",
    "lock_routes",
    "move_routes",
    "project_routes",
    "ssh_key_routes",
]


# What HashiCorp's Go client, which the terraform CLI has inside, calls itself.
GO_CLIENT = "go-tfe"


@blueprint.get("/organizations/<organization>/workspaces")
@requires(P.ORGANIZATION_READ, P.WORKSPACE_READ, *INCLUDED_PERMISSIONS)
@describes(listing=WORKSPACES, includes=INCLUDES, errors=(400,))
def list_workspaces(organization: str) -> Response:
    """List the workspaces of an organization that the caller can see."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    return WORKSPACES.page_response({"organization_id": org.id}, include=including(includes_of(request.args, INCLUDES)))


@blueprint.post("/organizations/<organization>/workspaces")
@requires(
    P.PROJECT_READ, P.WORKSPACE_READ, P.ORGANIZATION_READ, P.PROJECT_CREATE_WORKSPACE, P.ENVIRONMENT_READ, P.RUN_APPLY
)
@describes(body=WorkspaceSchema, answer=WorkspaceSchema, status=201, errors=(403, 422))
def create_workspace(organization: str) -> Response:
    """Create a workspace in a project, the default project unless the request names another."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    return resource_response(service.create_workspace(org.id, load(WorkspaceSchema, body())), 201)


@blueprint.get("/workspaces/<workspace_id>")
@requires(P.WORKSPACE_READ, *INCLUDED_PERMISSIONS)
@describes(answer=WorkspaceSchema, includes=INCLUDES, errors=(400,))
def show_workspace(workspace_id: str) -> Response:
    """Show a workspace."""
    return _show({"id": workspace_id})


@blueprint.get(BY_NAME)
@requires(P.ORGANIZATION_READ, P.WORKSPACE_READ, *INCLUDED_PERMISSIONS)
@describes(answer=WorkspaceSchema, includes=INCLUDES, errors=(400,))
def show_workspace_by_name(organization: str, name: str) -> Response:
    """Show the workspace of an organization with this name."""
    return _show(by_name(organization, name))


@blueprint.patch("/workspaces/<workspace_id>")
@requires(
    P.PROJECT_READ,
    P.WORKSPACE_READ,
    P.WORKSPACE_UPDATE,
    P.WORKSPACE_MOVE,
    *SECRETS,
    P.RUN_APPLY,
    P.PROJECT_MOVE_WORKSPACE,
    P.PROJECT_CREATE_WORKSPACE,
    P.ENVIRONMENT_READ,
)
@describes(body=WorkspaceSchema, is_partial=True, answer=WorkspaceSchema, errors=(403, 422))
def update_workspace(workspace_id: str) -> Response:
    """Update, rename or move a workspace; attributes that are left out stay as they are."""
    return _update(workspace_id)


@blueprint.patch(BY_NAME)
@requires(
    P.ENVIRONMENT_READ,
    P.PROJECT_READ,
    P.WORKSPACE_READ,
    P.ORGANIZATION_READ,
    P.WORKSPACE_UPDATE,
    P.WORKSPACE_MOVE,
    *SECRETS,
    P.RUN_APPLY,
    P.PROJECT_MOVE_WORKSPACE,
    P.PROJECT_CREATE_WORKSPACE,
)
@describes(body=WorkspaceSchema, is_partial=True, answer=WorkspaceSchema, errors=(403, 422))
def update_workspace_by_name(organization: str, name: str) -> Response:
    """Update, rename or move the workspace of an organization with this name."""
    return _update(WORKSPACES.get(by_name(organization, name)).id)


@blueprint.delete("/workspaces/<workspace_id>")
@requires(P.WORKSPACE_READ, P.WORKSPACE_FORCE_DELETE, *SEEN_BY)
@describes(status=204, dry_run=DRY_RUN, errors=(403,))
def destroy_workspace(workspace_id: str) -> Response:
    """Delete a workspace by force, whatever it manages and whoever has locked it."""
    return _destroyed(service.destroy_workspace(workspace_id, by_force=True, is_dry=flag("dry-run")))


@blueprint.delete(BY_NAME)
@requires(P.WORKSPACE_READ, P.ORGANIZATION_READ, P.WORKSPACE_DELETE, P.WORKSPACE_FORCE_DELETE, *SEEN_BY)
@describes(status=204, parameters=(FORCE,), dry_run=DRY_RUN, errors=(400, 403, 409))
def destroy_workspace_by_name(organization: str, name: str) -> Response:
    """Delete the workspace of an organization with this name, if it is unlocked and manages nothing.

    With force=true any one is deleted. So it is for the terraform CLI and other programs with HashiCorp's Go client:
    they ask for this address to delete by force.
    """
    by_force = flag("force") or _asks_as_hcp()
    workspace_id = WORKSPACES.get(by_name(organization, name)).id
    is_dry = flag("dry-run")
    return _destroyed(service.destroy_workspace(workspace_id, by_force=by_force, force_is_offered=True, is_dry=is_dry))


@blueprint.post("/workspaces/<workspace_id>/actions/safe-delete")
@requires(P.WORKSPACE_READ, P.WORKSPACE_DELETE, *SEEN_BY)
@describes(status=204, dry_run=DRY_RUN, errors=(409,))
def safely_destroy_workspace(workspace_id: str) -> Response:
    """Delete a workspace that is unlocked and manages nothing."""
    return _destroyed(service.destroy_workspace(workspace_id, by_force=False, is_dry=flag("dry-run")))


@blueprint.post(f"{BY_NAME}/actions/safe-delete")
@requires(P.WORKSPACE_READ, P.ORGANIZATION_READ, P.WORKSPACE_DELETE, *SEEN_BY)
@describes(status=204, dry_run=DRY_RUN, errors=(409,))
def safely_destroy_workspace_by_name(organization: str, name: str) -> Response:
    """Delete the workspace of an organization with this name, if it is unlocked and manages nothing."""
    workspace_id = WORKSPACES.get(by_name(organization, name)).id
    return _destroyed(service.destroy_workspace(workspace_id, by_force=False, is_dry=flag("dry-run")))


def _destroyed(foreseen: DryRun | None) -> Response:
    return no_content() if foreseen is None else dry_run_response(foreseen)


def _asks_as_hcp() -> bool:
    """Whether the request comes from a client of HCP Terraform, for which this address means deleting by force.

    They have another address for deleting safely, and send no parameter here.
    """
    return "force" not in request.args and request.headers.get("User-Agent", "").startswith(GO_CLIENT)


def _show(conditions: dict[str, Any]) -> Response:
    include = including(includes_of(request.args, INCLUDES))
    row = WORKSPACES.get(conditions)
    shown = WORKSPACES.to_resource(row)
    return resource_response(shown, included=include([row], [shown]) if include else None)


def _update(workspace_id: str) -> Response:
    members = load(WorkspaceSchema, body(), partial=True, identifier=workspace_id)
    return resource_response(service.update_workspace(workspace_id, members))
