"""The variables of a set, and applying it to workspaces and projects, over HTTP (spec: variable sets)."""

from flask import Response

from app.authz.permissions import P
from app.jsonapi.body import identifiers_at, primary_data
from app.jsonapi.errors import Unprocessable
from app.jsonapi.schema import load
from app.models.vars import Var
from app.resources.workspaces.vars.listing import var_of_set, vars_of_sets
from app.resources.workspaces.vars.schema import SharedSchema
from app.resources.workspaces.varsets import service
from app.resources.workspaces.varsets.blueprint import blueprint
from app.resources.workspaces.varsets.listing import VARSETS
from app.resources.workspaces.varsets.schema import AT_ONCE
from app.web.answers import document_response, no_content, resource_response
from app.web.guard import describes, requires
from app.web.requests import body

VARS = "/varsets/<varset_id>/relationships/vars"
ONE = f"{VARS}/<var_id>"
WORKSPACES = {"$ref": "#/components/schemas/workspaces-identifiers"}
PROJECTS = {"$ref": "#/components/schemas/projects-identifiers"}


@blueprint.get(VARS)
@requires(P.VARSET_READ)
@describes(answer=SharedSchema, many=True, paged=False)
def list_varset_vars(varset_id: str) -> Response:
    """List all variables of a set."""
    VARSETS.get({"id": varset_id})
    return document_response({"data": vars_of_sets(Var.varset_id == varset_id)})


@blueprint.post(VARS)
@requires(P.VARSET_READ, P.VARSET_MANAGE)
@describes(body=SharedSchema, answer=SharedSchema, status=201, errors=(422,))
def create_varset_var(varset_id: str) -> Response:
    """Create a variable in a set."""
    members = load(SharedSchema, body())
    return resource_response(service.create_varset_var(varset_id, members), 201)


@blueprint.get(ONE)
@requires(P.VARSET_READ)
@describes(answer=SharedSchema)
def show_varset_var(varset_id: str, var_id: str) -> Response:
    """Show a variable of a set; the value of a sensitive one is null."""
    VARSETS.get({"id": varset_id})
    return resource_response(var_of_set(varset_id, var_id))


@blueprint.patch(ONE)
@requires(P.VARSET_READ, P.VARSET_MANAGE)
@describes(body=SharedSchema, is_partial=True, answer=SharedSchema, errors=(422,))
def update_varset_var(varset_id: str, var_id: str) -> Response:
    """Update a variable of a set, which also gets a new version id; attributes that are left out stay as they are."""
    members = load(SharedSchema, body(), partial=True, identifier=var_id)
    return resource_response(service.update_varset_var(varset_id, var_id, members))


@blueprint.delete(ONE)
@requires(P.VARSET_READ, P.VARSET_MANAGE)
@describes(status=204)
def destroy_varset_var(varset_id: str, var_id: str) -> Response:
    """Delete a variable of a set."""
    service.destroy_varset_var(varset_id, var_id)
    return no_content()


# --- where it applies ----------------------------------------------------------------------------------------------


@blueprint.post("/varsets/<varset_id>/relationships/workspaces")
@requires(P.VARSET_READ, P.VARSET_MANAGE, P.VARIABLE_WRITE)
@describes(body=WORKSPACES, status=204, errors=(422,))
def apply_to_workspaces(varset_id: str) -> Response:
    """Apply a set to further workspaces: all of them, or none."""
    return _apply(varset_id, "workspaces")


@blueprint.delete("/varsets/<varset_id>/relationships/workspaces")
@requires(P.VARSET_READ, P.VARSET_MANAGE, P.VARIABLE_WRITE)
@describes(body=WORKSPACES, status=204, errors=(422,))
def remove_from_workspaces(varset_id: str) -> Response:
    """Remove a set from workspaces; those that it is not applied to are ignored."""
    return _remove(varset_id, "workspaces")


@blueprint.post("/varsets/<varset_id>/relationships/projects")
@requires(P.VARSET_READ, P.VARSET_MANAGE, P.VARIABLE_WRITE)
@describes(body=PROJECTS, status=204, errors=(422,))
def apply_to_projects(varset_id: str) -> Response:
    """Apply a set to further projects: all of them, or none."""
    return _apply(varset_id, "projects")


@blueprint.delete("/varsets/<varset_id>/relationships/projects")
@requires(P.VARSET_READ, P.VARSET_MANAGE, P.VARIABLE_WRITE)
@describes(body=PROJECTS, status=204, errors=(422,))
def remove_from_projects(varset_id: str) -> Response:
    """Remove a set from projects; those that it is not applied to are ignored."""
    return _remove(varset_id, "projects")


def _apply(varset_id: str, kind: str) -> Response:
    wanted = _sent(kind)
    service.apply_varset(varset_id, kind, wanted)
    return no_content()


def _remove(varset_id: str, kind: str) -> Response:
    wanted = _sent(kind)
    service.remove_varset(varset_id, kind, wanted)
    return no_content()


def _sent(kind: str) -> list[str]:
    data = primary_data(body())
    if not isinstance(data, list):
        raise Unprocessable("data must be an array", pointer="/data")
    return identifiers_at(data, kind, "/data", AT_ONCE)
