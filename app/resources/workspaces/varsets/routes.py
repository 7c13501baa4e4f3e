"""Variable sets over HTTP (spec: variable sets)."""

from typing import Any

from flask import Blueprint, Response, request

from app.authz.permissions import P
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.resources.workspaces.varsets import applied_routes, service, var_routes
from app.resources.workspaces.varsets.blueprint import blueprint as _blueprint
from app.resources.workspaces.varsets.listing import INCLUDES, VARSETS, included, including
from app.resources.workspaces.varsets.schema import VarsetSchema
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import organization_or_404
from app.web.requests import body

__all__ = ["applied_routes", "blueprint", "var_routes"]

blueprint: Blueprint = _blueprint

# The body of an update by POST. The OpenAPI document would describe the body of a POST as a creation otherwise.
UPDATE = {
    "type": "object",
    "required": ["data"],
    "properties": {"data": {"$ref": "#/components/schemas/varsets-update"}},
}
LINKED = ("var_ids", "workspace_ids", "project_ids")


@blueprint.get("/organizations/<organization>/varsets")
@requires(P.ORGANIZATION_READ, P.VARSET_READ, P.VARIABLE_READ)
@describes(listing=VARSETS, includes=INCLUDES, errors=(400,))
def list_varsets(organization: str) -> Response:
    """List the variable sets of an organization and of its projects that the caller can see."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    return VARSETS.page_response({"organization_id": org.id}, include=including(includes_of(request.args, INCLUDES)))


@blueprint.post("/organizations/<organization>/varsets")
@requires(
    P.PROJECT_READ,
    P.VARSET_READ,
    P.ORGANIZATION_READ,
    P.VARSET_MANAGE,
    P.PROJECT_MANAGE_VARSETS,
    P.VARIABLE_READ,
    P.VARIABLE_WRITE,
)
@describes(body=VarsetSchema, answer=VarsetSchema, status=201, errors=(422,))
def create_varset(organization: str) -> Response:
    """Create a variable set of the organization or of a project, perhaps with variables, and apply it."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    members = load(VarsetSchema, body())
    linked = _pop_linked(members)
    parent = members.pop("parent_id", None)
    return resource_response(service.create_varset(org, members, parent, linked), 201)


@blueprint.get("/varsets/<varset_id>")
@requires(P.VARSET_READ, P.VARIABLE_READ)
@describes(answer=VarsetSchema, includes=INCLUDES, errors=(400,))
def show_varset(varset_id: str) -> Response:
    """Show a variable set."""
    wanted = includes_of(request.args, INCLUDES)
    row = VARSETS.get_complete({"id": varset_id})
    return resource_response(VARSETS.to_resource(row), included=included([row], wanted) if wanted else None)


@blueprint.route("/varsets/<varset_id>", methods=["PATCH", "PUT"])
@requires(P.VARSET_READ, P.VARSET_MANAGE, P.VARIABLE_READ, P.VARIABLE_WRITE)
@describes(body=VarsetSchema, is_partial=True, answer=VarsetSchema, errors=(422,))
def update_varset(varset_id: str) -> Response:
    """Update a variable set. Workspaces and projects that are sent replace the existing ones; variables are added."""
    return _update(varset_id)


@blueprint.post("/varsets/<varset_id>")
@requires(P.VARSET_READ, P.VARSET_MANAGE, P.VARIABLE_READ, P.VARIABLE_WRITE)
@describes(body=UPDATE, answer=VarsetSchema, errors=(422,))
def update_varset_by_post(varset_id: str) -> Response:
    """Update a variable set; some clients use this method."""
    return _update(varset_id)


@blueprint.delete("/varsets/<varset_id>")
@requires(P.VARSET_READ, P.VARSET_MANAGE)
@describes(status=204)
def destroy_varset(varset_id: str) -> Response:
    """Delete a variable set with its variables."""
    service.destroy_varset(varset_id)
    return no_content()


def _update(varset_id: str) -> Response:
    members = load(VarsetSchema, body(), partial=True, identifier=varset_id)
    linked = _pop_linked(members)
    parent = members.pop("parent_id", None)
    return resource_response(service.update_varset(varset_id, members, parent, linked))


def _pop_linked(members: dict[str, Any]) -> dict[str, Any]:
    return {name: members.pop(name) for name in LINKED if name in members}
