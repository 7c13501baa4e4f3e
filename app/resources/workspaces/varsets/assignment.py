"""Applying sets to workspaces and projects: which of them the caller may use, and what changes."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.errors import NotFound
from app.models.projects import Project
from app.models.varsets import Varset, VarsetProject, VarsetWorkspace
from app.models.workspaces import Workspace
from app.persistence import in_values
from app.resources.workspaces.varsets.operations import (
    VarsetAssignment,
    apply_to,
    assignments_of,
    check_assignment,
    remove_from,
)
from app.web.policy import visible

ASSIGNMENTS: dict[str, VarsetAssignment] = {"workspaces": VarsetWorkspace, "projects": VarsetProject}
Changes = dict[str, list[Any]]


def add_assignments(session: Session, varset: Varset, kind: str, wanted: Collection[str], pointer: str) -> Changes:
    """Apply the set to these workspaces or projects, unless it is applied already. Returns what changed."""
    table = ASSIGNMENTS[kind]
    new = set(wanted) - assignments_of(session, varset, table)
    _check(session, varset, kind, new)
    check_assignment(session, varset, table, wanted, pointer)
    apply_to(session, varset, table, new)
    return {kind: [[], sorted(new)]} if new else {}


def remove_assignments(session: Session, varset: Varset, kind: str, wanted: Collection[str]) -> Changes:
    """Remove the set from these workspaces or projects, if it is applied to them. Returns what changed."""
    table = ASSIGNMENTS[kind]
    old = set(wanted) & assignments_of(session, varset, table)
    _check(session, varset, kind, old)
    remove_from(session, varset, table, old)
    return {kind: [sorted(old), []]} if old else {}


def replace_assignments(session: Session, varset: Varset, kind: str, wanted: Collection[str], pointer: str) -> Changes:
    """Replace the workspaces or projects of the set, as far as the caller can see them. Returns what changed."""
    table = ASSIGNMENTS[kind]
    present = assignments_of(session, varset, table)
    new = set(wanted) - present
    # Those that the caller was not shown stay: the caller can't have removed them on purpose.
    old = _those(session, varset, kind, present - set(wanted), P.VARIABLE_READ)
    _check(session, varset, kind, new | old)
    check_assignment(session, varset, table, wanted, pointer)
    remove_from(session, varset, table, old)
    apply_to(session, varset, table, new)
    return {kind: [sorted(old), sorted(new)]} if old or new else {}


def _check(session: Session, varset: Varset, kind: str, touched: Collection[str]) -> None:
    # A manager of a project's sets may use the whole project. Elsewhere the caller must be able to write variables.
    others = set(touched) - {varset.project_id}
    if others - _those(session, varset, kind, others, P.VARIABLE_WRITE):
        raise NotFound


def _those(session: Session, varset: Varset, kind: str, identifiers: Collection[str], permission: P) -> set[str]:
    if not identifiers:
        return set()
    model = Workspace if kind == "workspaces" else Project
    return set(
        session.scalars(
            select(model.__table__.c.id).where(
                in_values(model.__table__.c.id, list(identifiers)),
                model.__table__.c.organization_id == varset.organization_id,
                visible(permission, model),
            ),
        ),
    )
