"""Remote state consumers over HTTP (spec: workspaces, remote state consumers)."""

from typing import Any

from flask import Response, request
from sqlalchemy import bindparam, select

from app.authz.permissions import P
from app.jsonapi.body import identifiers, resource_list
from app.models.workspaces import RemoteStateConsumer, Workspace
from app.resources.workspaces.workspaces import service
from app.resources.workspaces.workspaces.blueprint import blueprint
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.web.answers import no_content
from app.web.filters import FilterClause
from app.web.guard import describes, requires
from app.web.policy import require
from app.web.requests import body

PATH = "/workspaces/<workspace_id>/relationships/remote-state-consumers"
ONLY_CONFIGURED = "show_only_configured"
SENT = {"$ref": "#/components/schemas/workspaces-identifiers"}
AT_ONCE = 1_000


@blueprint.get(PATH)
@requires(P.WORKSPACE_READ, P.WORKSPACE_UPDATE)
@describes(listing=WORKSPACES, parameters=((ONLY_CONFIGURED, "true: those that were named, in any case"),))
def list_remote_state_consumers(workspace_id: str) -> Response:
    """List the workspaces that may read a workspace's state; if it shares with all, all others that the caller sees."""
    workspace = WORKSPACES.get({"id": workspace_id})
    require(P.WORKSPACE_UPDATE, workspace, Workspace)
    parents: dict[str, Any] = {"organization_id": workspace.organization_id}
    is_configured = request.args.get(ONLY_CONFIGURED) == "true"
    if workspace.global_remote_state and not is_configured:
        return WORKSPACES.page_response(parents, extra_filters=(_others(workspace_id),))
    if workspace.project_remote_state and not is_configured:
        return WORKSPACES.page_response(
            {**parents, "project_id": workspace.project_id}, extra_filters=(_others(workspace_id),)
        )
    return WORKSPACES.page_response(parents, extra_filters=(_consumers(workspace_id),))


@blueprint.post(PATH)
@requires(P.WORKSPACE_READ, P.WORKSPACE_UPDATE)
@describes(body=SENT, status=204, errors=(422,))
def add_remote_state_consumers(workspace_id: str) -> Response:
    """Let further workspaces read the state of a workspace."""
    wanted = _sent()
    service.add_remote_state_consumers(workspace_id, wanted)
    return no_content()


@blueprint.patch(PATH)
@requires(P.WORKSPACE_READ, P.WORKSPACE_REPLACE_CONSUMERS)
@describes(body=SENT, status=204, errors=(422,))
def replace_remote_state_consumers(workspace_id: str) -> Response:
    """Let exactly these workspaces read the state of a workspace; for those who manage all workspaces."""
    wanted = _sent()
    service.replace_remote_state_consumers(workspace_id, wanted)
    return no_content()


@blueprint.delete(PATH)
@requires(P.WORKSPACE_READ, P.WORKSPACE_UPDATE)
@describes(body=SENT, status=204, errors=(422,))
def remove_remote_state_consumers(workspace_id: str) -> Response:
    """Stop these workspaces from reading the state of a workspace; those that could not are ignored."""
    wanted = _sent()
    service.remove_remote_state_consumers(workspace_id, wanted)
    return no_content()


def _sent() -> list[str]:
    return identifiers(resource_list(body(), ("workspaces",), AT_ONCE))


def _others(workspace_id: str) -> FilterClause:
    return FilterClause("others", lambda: [Workspace.id != bindparam("shared_by")], {"shared_by": workspace_id})


def _consumers(workspace_id: str) -> FilterClause:
    consumers = select(RemoteStateConsumer.consumer_id).where(
        RemoteStateConsumer.workspace_id == bindparam("shared_by"),
    )
    return FilterClause("consumers", lambda: [Workspace.id.in_(consumers)], {"shared_by": workspace_id})
