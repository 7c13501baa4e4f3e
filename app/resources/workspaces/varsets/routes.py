"""Variable sets over HTTP (spec: variable sets)."""

from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from app.authentication.callers import OrganizationRef
from app.authz.permissions import P
from app.jsonapi.errors import InvalidAttribute
from app.jsonapi.query import includes_of
from app.jsonapi.schema import load
from app.models.projects import Project
from app.models.varsets import Varset
from app.persistence import fold_case, now
from app.resources.workspaces.vars.operations import check_room, new_var
from app.resources.workspaces.varsets import applied_routes, var_routes
from app.resources.workspaces.varsets.assignment import ASSIGNMENTS, replace_assignments
from app.resources.workspaces.varsets.blueprint import blueprint as _blueprint
from app.resources.workspaces.varsets.listing import INCLUDES, VARSETS, included, including
from app.resources.workspaces.varsets.operations import make_global, make_local, normalize
from app.resources.workspaces.varsets.schema import VarsetSchema
from app.web.answers import no_content, resource_response
from app.web.guard import describes, requires
from app.web.policy import get_for_update, organization_or_404, require
from app.web.requests import body
from app.web.transaction import apply_changes, created_changes, record_event, record_events, transaction

__all__ = ["applied_routes", "blueprint", "var_routes"]

blueprint: Blueprint = _blueprint

PARENT = "/data/relationships/parent"
# A POST to what is there already: not what a POST takes otherwise.
UPDATE = {
    "type": "object",
    "required": ["data"],
    "properties": {"data": {"$ref": "#/components/schemas/varsets-update"}},
}
LINKED = ("var_ids", "workspace_ids", "project_ids")


@blueprint.get("/organizations/<organization>/varsets")
@requires(P.ORGANIZATION_READ, P.VARSET_READ)
@describes(listing=VARSETS, includes=INCLUDES, errors=(400,))
def list_varsets(organization: str) -> Response:
    """List the variable sets of an organization and of its projects that the caller can see."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    return VARSETS.page_response({"organization_id": org.id}, include=including(includes_of(request.args, INCLUDES)))


@blueprint.post("/organizations/<organization>/varsets")
@requires(P.PROJECT_READ, P.VARSET_READ, P.ORGANIZATION_READ, P.VARSET_MANAGE, P.PROJECT_MANAGE_VARSETS)
@describes(body=VarsetSchema, answer=VarsetSchema, status=201, errors=(422,))
def create_varset(organization: str) -> Response:
    """Create a variable set of the organization or of a project, perhaps with variables, and apply it."""
    org = organization_or_404(organization, P.ORGANIZATION_READ)
    members = load(VarsetSchema, body())
    linked = _taken_out(members)
    parent = members.pop("parent_id", None)
    with transaction() as session:
        project_id = _owner(session, org, parent)
        varset = Varset(organization_id=org.id, project_id=project_id)
        require(P.VARSET_MANAGE, varset)
        settled = normalize(members)
        apply_changes(varset, settled)
        if varset.is_global and project_id is not None:
            raise InvalidAttribute("Global must be false for a set of a project", pointer="/data/attributes/global")
        session.add(varset)
        session.flush()
        _link(session, varset, linked)
        record_event(session, "varsets.create", varset, created_changes(settled))
        shown = VARSETS.get_resource({"id": varset.id}, session)
    return resource_response(shown, 201)


@blueprint.get("/varsets/<varset_id>")
@requires(P.VARSET_READ)
@describes(answer=VarsetSchema, includes=INCLUDES, errors=(400,))
def show_varset(varset_id: str) -> Response:
    """Show a variable set."""
    wanted = includes_of(request.args, INCLUDES)
    row = VARSETS.get_complete({"id": varset_id})
    return resource_response(VARSETS.to_resource(row), included=included([row], wanted) if wanted else None)


@blueprint.route("/varsets/<varset_id>", methods=["PATCH", "PUT"])
@requires(P.VARSET_READ, P.VARSET_MANAGE)
@describes(body=VarsetSchema, is_partial=True, answer=VarsetSchema, errors=(422,))
def update_varset(varset_id: str) -> Response:
    """Update a variable set. Workspaces and projects that are sent replace the existing ones; variables are added."""
    return _update(varset_id)


@blueprint.post("/varsets/<varset_id>")
@requires(P.VARSET_READ, P.VARSET_MANAGE)
@describes(body=UPDATE, answer=VarsetSchema, errors=(422,))
def update_varset_by_post(varset_id: str) -> Response:
    """Update a variable set; some clients use this method."""
    return _update(varset_id)


@blueprint.delete("/varsets/<varset_id>")
@requires(P.VARSET_READ, P.VARSET_MANAGE)
@describes(status=204)
def destroy_varset(varset_id: str) -> Response:
    """Delete a variable set with its variables."""
    with transaction() as session:
        varset = get_for_update(session, Varset, varset_id, P.VARSET_MANAGE)
        session.delete(varset)
        record_event(session, "varsets.delete", varset)
    return no_content()


def _update(varset_id: str) -> Response:
    members = load(VarsetSchema, body(), partial=True, identifier=varset_id)
    linked = _taken_out(members)
    parent = members.pop("parent_id", None)
    with transaction() as session:
        varset = get_for_update(session, Varset, varset_id, P.VARSET_MANAGE)
        _check_parent(session, varset, parent)
        changes = apply_changes(varset, normalize(members))
        if "is-global" in changes:
            changes["global"] = changes.pop("is-global")
            (make_global if varset.is_global else make_local)(session, varset)
        changes |= _link(session, varset, linked)
        if changes:
            varset.updated_at = now()
            record_event(session, "varsets.update", varset, changes)
        session.flush()
        shown = VARSETS.get_resource({"id": varset_id}, session)
    return resource_response(shown)


def _taken_out(members: dict[str, Any]) -> dict[str, Any]:
    return {name: members.pop(name) for name in LINKED if name in members}


def _owner(session: Session, org: OrganizationRef, parent: tuple[str, str] | None) -> str | None:
    if parent is None:
        return None
    type_, identifier = parent
    if type_ == "organizations":
        if fold_case(identifier) != fold_case(org.name):
            raise InvalidAttribute("Parent must be the organization or one of its projects", pointer=PARENT)
        return None
    project = get_for_update(session, Project, identifier, P.PROJECT_MANAGE_VARSETS, share_lock=True)
    if project.organization_id != org.id:
        raise InvalidAttribute("Parent must be the organization or one of its projects", pointer=PARENT)
    return project.id


def _check_parent(session: Session, varset: Varset, parent: tuple[str, str] | None) -> None:
    if parent is None:
        return
    type_, identifier = parent
    if type_ == "projects":
        is_same = identifier == varset.project_id
    else:
        name = VARSETS.get({"id": varset.id}, session).organization_name
        is_same = varset.project_id is None and fold_case(identifier) == fold_case(name)
    if not is_same:
        raise InvalidAttribute("Parent can't be changed", pointer=PARENT)


def _link(session: Session, varset: Varset, linked: dict[str, Any]) -> dict[str, list[Any]]:
    changes: dict[str, list[Any]] = {}
    for kind in ASSIGNMENTS:
        wanted = linked.get(f"{kind.removesuffix('s')}_ids")
        # A set that has become global has just left every place; what a client repeats of them means nothing.
        if wanted is not None and not varset.is_global:
            changes |= replace_assignments(session, varset, kind, wanted, f"/data/relationships/{kind}")
    new = [
        new_var(
            members,
            organization_id=varset.organization_id,
            varset_id=varset.id,
            global_in=varset.organization_id if varset.is_global else None,
        )
        for members in linked.get("var_ids", ())
    ]
    session.add_all([variable for variable, _ in new])
    session.flush()
    record_events(session, "vars.create", new)
    if new:
        check_room(session, is_new=True, varset_id=varset.id)
        changes["vars"] = [[], [variable.id for variable, _ in new]]
    return changes
