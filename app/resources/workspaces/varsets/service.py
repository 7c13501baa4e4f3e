"""Use cases of varsets: each checks the caller, changes in one transaction and records its event."""

from typing import Any

from sqlalchemy.orm import Session

from app.authentication.callers import OrganizationRef
from app.authz.permissions import P
from app.jsonapi.errors import InvalidAttribute
from app.models.projects import Project
from app.models.varsets import Varset
from app.persistence import fold_case, now
from app.resources.workspaces.vars.listing import var_of_set
from app.resources.workspaces.vars.operations import change_var, check_room, new_var, vars_to_change
from app.resources.workspaces.varsets.assignment import (
    ASSIGNMENTS,
    add_assignments,
    remove_assignments,
    replace_assignments,
)
from app.resources.workspaces.varsets.listing import VARSETS
from app.resources.workspaces.varsets.operations import make_global, make_local, normalize
from app.web.listing import ResourceObject
from app.web.policy import get_for_update, require
from app.web.transaction import apply_changes, created_changes, record_event, record_events, transaction

PARENT = "/data/relationships/parent"


def create_varset(
    org: OrganizationRef, members: dict[str, Any], parent: tuple[str, str] | None, linked: dict[str, Any]
) -> ResourceObject:
    """Create a variable set of the organization or of the ``parent`` project, with its ``linked`` relationships."""
    with transaction() as session:
        project_id = _owner(session, org, parent)
        varset = Varset(organization_id=org.id, project_id=project_id)
        require(P.VARSET_MANAGE, varset)
        normalized = normalize(members)
        apply_changes(varset, normalized)
        if varset.is_global and project_id is not None:
            raise InvalidAttribute("Global must be false for a set of a project", pointer="/data/attributes/global")
        session.add(varset)
        session.flush()
        _link(session, varset, linked)
        record_event(session, "varsets.create", varset, created_changes(normalized))
        return VARSETS.get_resource({"id": varset.id}, session)


def destroy_varset(varset_id: str) -> None:
    """Delete a variable set with its variables."""
    with transaction() as session:
        varset = get_for_update(session, Varset, varset_id, P.VARSET_MANAGE)
        session.delete(varset)
        record_event(session, "varsets.delete", varset)


def update_varset(
    varset_id: str, members: dict[str, Any], parent: tuple[str, str] | None, linked: dict[str, Any]
) -> ResourceObject:
    """Update a variable set. ``linked`` has the relationships that were sent, which replace the existing ones."""
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
        return VARSETS.get_resource({"id": varset_id}, session)


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
        # A set that has become global was just removed everywhere; ids that the client sends again are ignored.
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


def create_varset_var(varset_id: str, members: dict[str, Any]) -> ResourceObject:
    """Create a variable in a set."""
    with transaction() as session:
        varset = _lock_varset(session, varset_id)
        variable, changes = new_var(
            members,
            organization_id=varset.organization_id,
            varset_id=varset.id,
            global_in=varset.organization_id if varset.is_global else None,
        )
        session.add(variable)
        varset.updated_at = now()
        session.flush()
        check_room(session, is_new=True, varset_id=varset_id)
        record_event(session, "vars.create", variable, {**changes, "varset": [None, varset.name]})
        return var_of_set(varset_id, variable.id, session)


def update_varset_var(varset_id: str, var_id: str, members: dict[str, Any]) -> ResourceObject:
    """Update a variable of a set, which also gets a new version id; attributes that are left out stay as they are."""
    with transaction() as session:
        varset = _lock_varset(session, varset_id)
        variable = vars_to_change(session, [var_id], varset_id=varset_id)[var_id]
        changes = change_var(variable, members)
        varset.updated_at = now()
        session.flush()
        check_room(session, is_new=False, varset_id=varset_id)
        record_event(session, "vars.update", variable, changes)
        return var_of_set(varset_id, var_id, session)


def destroy_varset_var(varset_id: str, var_id: str) -> None:
    """Delete a variable of a set."""
    with transaction() as session:
        varset = _lock_varset(session, varset_id)
        variable = vars_to_change(session, [var_id], varset_id=varset_id)[var_id]
        session.delete(variable)
        varset.updated_at = now()
        session.flush()
        record_event(session, "vars.delete", variable)


def apply_varset(varset_id: str, kind: str, wanted: list[str]) -> None:
    """Apply the set to further resources of the kind, ``workspaces`` or ``projects``: to all of them, or none."""
    with transaction() as session:
        varset = _lock_varset(session, varset_id)
        changes = add_assignments(session, varset, kind, wanted, "/data")
        if changes:
            varset.updated_at = now()
            session.flush()
            record_event(session, "varsets.apply", varset, changes)


def remove_varset(varset_id: str, kind: str, wanted: list[str]) -> None:
    """Remove the set from resources of the kind; those that it is not applied to are ignored."""
    with transaction() as session:
        varset = _lock_varset(session, varset_id)
        changes = remove_assignments(session, varset, kind, wanted)
        if changes:
            varset.updated_at = now()
            session.flush()
            record_event(session, "varsets.remove", varset, changes)


def _lock_varset(session: Session, varset_id: str) -> Varset:
    return get_for_update(session, Varset, varset_id, P.VARSET_MANAGE)
