"""The rules of variable sets: precedence, global sets, and where a set may apply."""

from collections.abc import Collection, Iterable, Mapping
from operator import itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, aliased

from app.jsonapi.errors import InvalidAttribute, Unprocessable
from app.models.vars import Var
from app.models.varsets import Varset, VarsetProject, VarsetWorkspace
from app.models.workspaces import Workspace
from app.persistence import AnyRow, in_values

VarsetAssignment = type[VarsetWorkspace] | type[VarsetProject]


class GlobalVarset(Unprocessable):
    """A global set applies everywhere and can't be applied to single workspaces or projects."""

    code = "global-varset"
    detail = "A global variable set applies to every workspace and can't be applied to single ones"


# --- precedence ----------------------------------------------------------------------------------------------------

WORKSPACE_RANK = 8
# Where a variable of each rank comes from, for people.
ORIGINS: Final = {
    1: "a global set with priority",
    2: "a set with priority, applied to the project",
    3: "a set with priority, applied to the workspace",
    4: "a set of the project with priority, applied to the project",
    5: "a set of the project with priority, applied to the workspace",
    WORKSPACE_RANK: "the workspace itself",
    9: "a set of the project, applied to the workspace",
    10: "a set of the project, applied to the project",
    11: "a set applied to the workspace",
    12: "a set applied to the project",
    13: "a global set",
}


def precedence(row: AnyRow) -> int:
    """The rank of a set in the order of precedence; the lowest number wins (spec: precedence)."""
    is_owned_by_project = row.project_id is not None
    if row.priority:
        if row.is_global:
            return 1
        if is_owned_by_project:
            return 4 if row.by_project else 5
        return 2 if row.by_project else 3
    if row.is_global:
        return 13
    # A set that applies in two ways has the precedence of the stronger one.
    if is_owned_by_project:
        return 9 if row.by_workspace else 10
    return 11 if row.by_workspace else 12


class Ranked(NamedTuple):
    """A variable that applies to a workspace, with its rank among those of the same key and category."""

    row: Any
    rank: int
    varset_name: str | None
    overridden: bool


def ranked(own: Iterable[Any], shared: Iterable[Any]) -> list[Ranked]:
    """The variables that apply to a workspace, by key and category, the strongest first.

    ``own`` are the rows of its own variables; ``shared`` are those of sets, with the columns that ``precedence`` reads.
    If two have the same precedence, the set whose name comes first by code point wins.
    """
    found = [(row.key, row.category, WORKSPACE_RANK, "", row) for row in own]
    found += [(row.key, row.category, precedence(row), row.varset_name, row) for row in shared]
    found.sort(key=itemgetter(0, 1, 2, 3))
    before: tuple[str, str] | None = None
    result = []
    for key, category, rank, name, row in found:
        result.append(Ranked(row, rank, name or None, (key, category) == before))
        before = (key, category)
    return result


def effective(own: Iterable[Any], shared: Iterable[Any]) -> list[Any]:
    """The variables that count for a workspace, by key: the strongest one for each key and category."""
    return [each.row for each in ranked(own, shared) if not each.overridden]


# --- global sets ---------------------------------------------------------------------------------------------------


def normalize(members: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes as columns."""
    normalized = dict(members)
    if normalized.get("description", "") is None:
        normalized["description"] = ""
    return normalized


def make_global(session: Session, varset: Varset) -> None:
    """Make the set global, and remove it from all workspaces and projects.

    The caller has locked the set's row, and its variables are not in any global set yet. A unique constraint stops two
    concurrent requests from adding the same key.
    """
    if varset.project_id is not None:
        raise InvalidAttribute("Global must be false for a set of a project", pointer="/data/attributes/global")
    mine, other = aliased(Var), aliased(Var)
    shared = session.scalar(
        select(mine.key)
        .join(other, (other.key == mine.key) & (other.category == mine.category))
        .where(mine.varset_id == varset.id, other.global_in == varset.organization_id)
        .limit(1),
    )
    if shared is not None:
        raise InvalidAttribute(
            f"Global sets can't share a variable: {shared} is in another one",
            pointer="/data/attributes/global",
        )
    for table in (VarsetWorkspace, VarsetProject):
        session.execute(delete(table).where(table.varset_id == varset.id))
    session.execute(update(Var).where(Var.varset_id == varset.id).values(global_in=varset.organization_id))


def make_local(session: Session, varset: Varset) -> None:
    """Make a global set an ordinary one, which applies only to its workspaces and projects."""
    session.execute(update(Var).where(Var.varset_id == varset.id).values(global_in=None))


# --- where a set applies -------------------------------------------------------------------------------------------


def assignments_of(session: Session, varset: Varset, table: VarsetAssignment) -> set[str]:
    """The ids of the workspaces or projects that the set is applied to."""
    return set(session.scalars(select(column_of(table)).where(table.varset_id == varset.id)))


def check_assignment(
    session: Session, varset: Varset, table: VarsetAssignment, identifiers: Collection[str], pointer: str
) -> None:
    """Refuse workspaces and projects that the set can't be applied to: a project's set stays in its project."""
    if varset.is_global and identifiers:
        raise GlobalVarset(pointer=pointer)
    if varset.project_id is None or not identifiers:
        return
    if table is VarsetProject:
        outside = set(identifiers) - {varset.project_id}
    else:
        inside = select(Workspace.id).where(
            in_values(Workspace.id, list(identifiers)),
            Workspace.project_id == varset.project_id,
        )
        outside = set(identifiers) - set(session.scalars(inside))
    if outside:
        raise Unprocessable(
            "A set of a project can be applied to that project and its workspaces alone",
            pointer=pointer,
        )


def apply_to(session: Session, varset: Varset, table: VarsetAssignment, identifiers: Collection[str]) -> None:
    """Apply the set to these workspaces or projects, where it is not applied yet."""
    name = column_of(table).key
    session.add_all([table(varset_id=varset.id, **{name: identifier}) for identifier in sorted(identifiers)])


def remove_from(session: Session, varset: Varset, table: VarsetAssignment, identifiers: Collection[str]) -> None:
    """Remove the set from these workspaces or projects."""
    session.execute(
        delete(table).where(table.varset_id == varset.id, in_values(column_of(table), list(identifiers))),
    )


def column_of(table: VarsetAssignment) -> Any:  # noqa: ANN401 - a mapped column
    """The column with the id of the workspace or project."""
    return table.workspace_id if table is VarsetWorkspace else table.project_id  # type: ignore[union-attr]
