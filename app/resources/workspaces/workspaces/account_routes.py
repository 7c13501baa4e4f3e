"""All workspaces that an account can see, and creating or updating one by its full name."""

from typing import Any

from flask import Response, request

from app.authz.permissions import P
from app.jsonapi.errors import Conflict, NotFound, Taken, Unprocessable
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.models.workspaces import Workspace
from app.persistence import fold_case
from app.resources.workspaces.workspaces import service
from app.resources.workspaces.workspaces.blueprint import BY_NAME, blueprint, by_name
from app.resources.workspaces.workspaces.includes import INCLUDED_PERMISSIONS, INCLUDES, including
from app.resources.workspaces.workspaces.listing import REACHABLE_WORKSPACES, WORKSPACES
from app.resources.workspaces.workspaces.moving import SECRETS
from app.resources.workspaces.workspaces.schema import NamedSchema, WorkspaceSchema
from app.web.answers import resource_response
from app.web.guard import describes, requires
from app.web.policy import only_organization
from app.web.requests import body


class AnotherName(Unprocessable):
    """The document has another name than the address."""

    code = "another-name"
    pointer = "/data/attributes/name"
    detail = "Name must be the one in the address"


class WorkspaceExists(Conflict):
    """The workspace exists, and the request was only to create one."""

    code = "workspace-exists"
    detail = "The organization has a workspace with this name already"


@blueprint.get("/workspaces")
@requires(P.WORKSPACE_READ, *INCLUDED_PERMISSIONS)
@describes(listing=REACHABLE_WORKSPACES, includes=INCLUDES, errors=(400,))
def list_reachable_workspaces() -> Response:
    """List the workspaces that the caller can see, of all organizations."""
    return REACHABLE_WORKSPACES.page_response(
        only_organization(P.WORKSPACE_READ, Workspace), include=including(includes_of(request.args, INCLUDES))
    )


@blueprint.put(BY_NAME)
@requires(
    P.ENVIRONMENT_READ,
    P.PROJECT_READ,
    P.WORKSPACE_READ,
    P.ORGANIZATION_READ,
    P.PROJECT_CREATE_WORKSPACE,
    P.WORKSPACE_UPDATE,
    P.PROJECT_MOVE_WORKSPACE,
    P.WORKSPACE_MOVE,
    *SECRETS,
)
@describes(body=NamedSchema, is_partial=True, answer=WorkspaceSchema, statuses=(201,), errors=(403, 422))
def put_workspace_by_name(organization: str, name: str) -> Response:
    """Update the workspace of an organization with this name, or create it if there is none.

    Attributes that are left out stay as they are. With ``If-None-Match: *`` or ``create-only``, an existing workspace
    is a conflict.
    """
    conditions = by_name(organization, name)
    members = load(NamedSchema, body(), partial=True)
    is_only_created = members.pop("create_only", False) or request.headers.get("If-None-Match", "").strip() == "*"
    if fold_case(members.get("name", name)) != fold_case(name):
        raise AnotherName
    existing = _id_of(conditions)
    if existing is None:
        # The name in the address has the same limits as a name in a document.
        named = load(WorkspaceSchema, {"data": {"type": "workspaces", "attributes": {"name": name}}})
        try:
            return resource_response(service.create_workspace(conditions["organization_id"], {**named, **members}), 201)
        except Taken as taken:
            # The name was taken by a concurrent request, or by a workspace that the caller can't see.
            existing = _id_of(conditions) if taken.pointer == AnotherName.pointer else None
            if existing is None and not is_only_created:
                raise
    if is_only_created or existing is None:
        raise WorkspaceExists
    return resource_response(service.update_workspace(existing, members))


def _id_of(conditions: dict[str, Any]) -> str | None:
    try:
        return str(WORKSPACES.get(conditions).id)
    except NotFound:
        return None
