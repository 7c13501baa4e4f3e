"""The sets that apply to a workspace or project, and the variables that result from them (spec: variable sets)."""

from typing import Any

from flask import Response, request
from sqlalchemy import ColumnElement, or_, select

from app.authz.permissions import P
from app.jsonapi.errors import BadParameter, NotFound
from app.jsonapi.query import includes_of, text_of
from app.models.projects import Project
from app.models.vars import Var
from app.models.varsets import Varset
from app.persistence import AnyRow
from app.resources.workspaces.vars.listing import (
    PLAIN,
    dump_var,
    readable_workspace,
    rows_of_workspace,
    var_of_set,
    vars_of_sets,
)
from app.resources.workspaces.vars.schema import SharedSchema
from app.resources.workspaces.varsets.blueprint import blueprint
from app.resources.workspaces.varsets.listing import (
    CHOSEN_VARSETS,
    INCLUDES,
    applied_to_workspace,
    by_project,
    by_workspace,
    including,
)
from app.resources.workspaces.varsets.operations import ORIGINS, Ranked, effective, ranked
from app.web.answers import document_response, resource_response
from app.web.context import reader
from app.web.guard import describes, requires
from app.web.policy import get_visible, visible
from app.web.requests import flag

THROUGH = "/workspaces/<workspace_id>/varsets/<varset_id>/relationships/vars"
SCOPES = ("applied", "shared", "owned", "all")
SCOPE_TEXT = (
    "applied: the sets that apply to the project, the default; shared: those of them that the organization owns; "
    "owned: those that the project owns; all: applied and owned"
)
EFFECTIVE_VARS = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "array",
            "items": {
                "anyOf": [{"$ref": "#/components/schemas/vars"}, {"$ref": "#/components/schemas/vars-shared"}],
            },
        },
    },
}


@blueprint.get("/workspaces/<workspace_id>/all-vars")
@requires(P.VARIABLE_READ)
@describes(
    answer=EFFECTIVE_VARS,
    parameters=(
        (
            "overridden",
            "true lists those that are overridden, too, after the one that wins; `meta` says where each comes from",
        ),
    ),
    errors=(400,),
)
def list_all_vars(workspace_id: str) -> Response:
    """List the variables that count for a workspace: its own and those of sets, without overridden ones."""
    shows_overridden = flag("overridden")
    workspace = readable_workspace({"id": workspace_id})
    shared = reader().execute(
        select(
            *PLAIN,
            Varset.name.label("varset_name"),
            Varset.priority,
            Varset.is_global,
            Varset.project_id,
            by_workspace(workspace.id).label("by_workspace"),
            by_project(workspace.project_id).label("by_project"),
        )
        .join(Varset, Varset.id == Var.varset_id)
        .where(applied_to_workspace(workspace)),
    )
    own = rows_of_workspace(workspace_id)
    if not shows_overridden:
        return document_response({"data": [dump_var(row) for row in effective(own, shared)]})
    return document_response({"data": [{**dump_var(each.row), "meta": _origin(each)} for each in ranked(own, shared)]})


def _origin(each: Ranked) -> dict[str, Any]:
    return {
        "overridden": each.overridden,
        "precedence": each.rank,
        "origin": ORIGINS[each.rank],
        "varset-name": each.varset_name,
    }


@blueprint.get("/workspaces/<workspace_id>/varsets")
@requires(P.VARSET_READ, P.VARIABLE_READ)
@describes(listing=CHOSEN_VARSETS, includes=INCLUDES, errors=(400,))
def list_workspace_varsets(workspace_id: str) -> Response:
    """List the sets that apply to a workspace: global ones, its project's, and its own."""
    return _page(applied_to_workspace(readable_workspace({"id": workspace_id})))


@blueprint.get("/workspaces/<workspace_id>/applicable-varsets")
@requires(P.VARIABLE_READ, P.VARSET_READ)
@describes(listing=CHOSEN_VARSETS, includes=INCLUDES, errors=(400,))
def list_applicable_varsets(workspace_id: str) -> Response:
    """List the sets that the caller can see and that may be applied to a workspace; global ones apply anyway."""
    workspace = readable_workspace({"id": workspace_id})
    return _page(
        (Varset.organization_id == workspace.organization_id)
        & or_(Varset.project_id.is_(None), Varset.project_id == workspace.project_id)
        & ~Varset.is_global
        & visible(P.VARSET_READ, Varset),
    )


@blueprint.get("/projects/<project_id>/varsets")
@requires(P.PROJECT_READ, P.VARSET_READ, P.VARIABLE_READ)
@describes(
    listing=CHOSEN_VARSETS,
    includes=INCLUDES,
    parameters=(("scope", SCOPE_TEXT),),
    errors=(400,),
)
def list_project_varsets(project_id: str) -> Response:
    """List the sets of a project that the caller can see."""
    project = get_visible(Project, project_id)
    scope = text_of(request.args, "scope") or "applied"
    if scope not in SCOPES:
        raise BadParameter(f"scope must be one of {', '.join(SCOPES)}", parameter="scope")
    applied = or_(Varset.is_global, by_project(project_id))
    owned = Varset.project_id == project_id
    chosen = {
        "applied": applied,
        "shared": applied & Varset.project_id.is_(None),
        "owned": owned,
        "all": or_(applied, owned),
    }[scope]
    return _page(
        (Varset.organization_id == project.organization_id) & chosen & visible(P.VARSET_READ, Varset),
    )


@blueprint.get(THROUGH)
@requires(P.VARIABLE_READ)
@describes(answer=SharedSchema, many=True, paged=False)
def list_vars_through_workspace(workspace_id: str, varset_id: str) -> Response:
    """List the variables of a set that applies to a workspace whose variables the caller may read."""
    _check_applied(readable_workspace({"id": workspace_id}), varset_id)
    return document_response({"data": vars_of_sets(Var.varset_id == varset_id)})


@blueprint.get(f"{THROUGH}/<var_id>")
@requires(P.VARIABLE_READ)
@describes(answer=SharedSchema)
def show_var_through_workspace(workspace_id: str, varset_id: str, var_id: str) -> Response:
    """Show a variable of a set that applies to a workspace whose variables the caller may read."""
    _check_applied(readable_workspace({"id": workspace_id}), varset_id)
    return resource_response(var_of_set(varset_id, var_id))


def _page(condition: ColumnElement[bool]) -> Response:
    include = including(includes_of(request.args, INCLUDES))
    return CHOSEN_VARSETS.page_response({}, include=include, visible_where=condition)


def _check_applied(workspace: AnyRow, varset_id: str) -> None:
    found = select(Varset.id).where(Varset.id == varset_id, applied_to_workspace(workspace))
    if reader().execute(found).one_or_none() is None:
        raise NotFound
