"""Reading variable sets, with the ids of their variables and of the workspaces and projects they apply to."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    exists,
    func,
    or_,
    select,
    true,
)

from app.authentication.callers import Caller
from app.authz.permissions import P
from app.jsonapi.errors import TooMuchIncluded
from app.jsonapi.query import Arguments, text_of
from app.models.organizations import Organization
from app.models.projects import Project
from app.models.vars import Var
from app.models.varsets import Varset, VarsetProject, VarsetWorkspace
from app.models.workspaces import Workspace
from app.persistence import AnyRow, Expression
from app.resources.organizations.organizations.listing import ORGANIZATIONS
from app.resources.projects.projects.listing import PROJECTS
from app.resources.workspaces.vars.listing import vars_of_many_sets
from app.resources.workspaces.varsets.schema import VarsetSchema
from app.resources.workspaces.workspaces.listing import WORKSPACES
from app.web.filters import Contains, FilterClause, Holds, TextFilter
from app.web.listing import Counted, Listing, ResourceObject, plain
from app.web.policy import visible
from app.web.related_ids import Link, RelatedIds

# How many workspaces, or projects, one answer includes.
INCLUDED_PLACES = 5_000
INCLUDES = ("vars", "workspaces", "projects", "stacks", "parent", "organization")
LISTS = ("var_ids", "workspace_ids", "project_ids", "stack_ids")


@dataclass(frozen=True)
class Owned(TextFilter):
    """``scope=owned``: only sets that the organization itself owns. Other scopes change nothing."""

    parameter: str = "scope"
    description = "owned keeps the sets that the organization owns itself"

    def parse(self, arguments: Arguments, caller: Caller, organization_id: str | None) -> FilterClause | None:
        """The set belongs to no project, if the request asks for that."""
        is_asked_for = text_of(arguments, self.parameter) == "owned"
        return super().parse(arguments, caller, organization_id) if is_asked_for else None

    def clause(self, text: str) -> FilterClause:
        """The set belongs to no project."""
        return FilterClause(text, lambda: [Varset.project_id.is_(None)])


def _links() -> Iterable[Link]:
    # The linkage leaves out workspaces and projects whose variables the caller may not read.
    yield Link("var_ids", Var.varset_id, Var.id, Var.key, Var.__table__, true())
    yield Link(
        "workspace_ids",
        VarsetWorkspace.varset_id,
        Workspace.id,
        Workspace.name,
        VarsetWorkspace.__table__.join(Workspace.__table__),
        visible(P.VARIABLE_READ, Workspace),
    )
    yield Link(
        "project_ids",
        VarsetProject.varset_id,
        Project.id,
        Project.name,
        VarsetProject.__table__.join(Project.__table__),
        visible(P.VARIABLE_READ, Project),
    )


def _count(column: Expression) -> Expression:
    return select(func.count()).where(column == Varset.id).correlate(Varset).scalar_subquery()


_LISTING: dict[str, Any] = {
    "schema": VarsetSchema,
    "model": Varset,
    "columns": {
        **plain(
            Varset,
            "id organization_id shared_in project_id name description is_global priority created_at updated_at",
        ),
        "organization_name": Organization.name,
        "parent_id": func.coalesce(Varset.project_id, Organization.name),
        "parent_type": case((Varset.project_id.is_(None), "organizations"), else_="projects"),
        "var_count": _count(Var.varset_id),
        # Counts those whose variables the caller may read, like the linkage.
        "workspace_count": Counted(
            P.VARIABLE_READ,
            Workspace,
            VarsetWorkspace.varset_id == Varset.id,
            linked=VarsetWorkspace,
        ),
        "project_count": Counted(
            P.VARIABLE_READ,
            Project,
            VarsetProject.varset_id == Varset.id,
            linked=VarsetProject,
        ),
    },
    "joined": Varset.__table__.join(Organization.__table__),
    "order": (Varset.name, Varset.id),
    "complete": RelatedIds(LISTS, _links),
}
_NAMED = Contains("q", (Varset.name,))

VARSETS = Listing(**_LISTING, filters=(_NAMED, Holds("filter[global]", Varset.is_global.is_(true())), Owned()))
# For views that select the sets themselves, such as those that apply to a workspace.
CHOSEN_VARSETS = Listing(**_LISTING, filters=(_NAMED,))


def applied_to_workspace(workspace: AnyRow) -> ColumnElement[bool]:
    """The condition that a set applies to the workspace, in any way."""
    # A project's set stops applying to a workspace that moves to another project.
    is_reached = Varset.project_id.is_(None) | (Varset.project_id == workspace.project_id)
    applies = or_(Varset.is_global, by_workspace(workspace.id), by_project(workspace.project_id))
    return and_(Varset.organization_id == workspace.organization_id, is_reached, applies)


def by_workspace(workspace_id: str) -> ColumnElement[bool]:
    """The condition that a set is applied to the workspace itself."""
    return exists().where(VarsetWorkspace.varset_id == Varset.id, VarsetWorkspace.workspace_id == workspace_id)


def by_project(project_id: str) -> ColumnElement[bool]:
    """The condition that a set is applied to the project."""
    return exists().where(VarsetProject.varset_id == Varset.id, VarsetProject.project_id == project_id)


def including(wanted: set[str]) -> Callable[[Sequence[Any], list[ResourceObject]], list[ResourceObject]] | None:
    """A function that reads the included resources for a list of sets; None if there are none."""
    return (lambda rows, _shown: included(rows, wanted)) if wanted else None


def included(rows: Sequence[Any], wanted: set[str]) -> list[ResourceObject]:
    """The variables, workspaces, projects and owners of the sets, as far as the caller can see them; each once."""
    found: list[ResourceObject] = []
    if "vars" in wanted and rows:
        found += vars_of_many_sets(row.id for row in rows)
    if "workspaces" in wanted:
        found += WORKSPACES.find_many(_limited(identifier for row in rows for identifier in row.workspace_ids))
    if wanted & {"projects", "parent"}:
        applied = {identifier for row in rows for identifier in row.project_ids if "projects" in wanted}
        owning = {row.project_id for row in rows if row.project_id and "parent" in wanted}
        found += PROJECTS.find_many(_limited(applied | owning))
    if wanted & {"organization", "parent"}:
        named = [row for row in rows if "organization" in wanted or row.project_id is None]
        found += ORGANIZATIONS.find_many({row.organization_id for row in named})
    return found


def _limited(identifiers: Iterable[str]) -> set[str]:
    ids = set(identifiers)
    if len(ids) > INCLUDED_PLACES:
        raise TooMuchIncluded(parameter="include")
    return ids
