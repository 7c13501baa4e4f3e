"""Reading variables. Permission to read them is checked on their workspace or variable set."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, func, select
from sqlalchemy.orm import Session

from app.authz.permissions import P
from app.jsonapi.dump import compile_dump
from app.jsonapi.errors import NotFound, TooMuchIncluded
from app.models.organizations import Organization
from app.models.vars import Var
from app.models.workspaces import Workspace
from app.persistence import AnyRow, KeptStatement, case_folded, in_values
from app.resources.workspaces.vars.schema import SharedSchema, VarSchema
from app.web.context import reader
from app.web.policy import find_narrowed, get_narrowed, visible

Shown = dict[str, Any]

# The sealed value of a sensitive variable is not even selected.
COLUMNS = (
    "id",
    "key",
    "value",
    "description",
    "category",
    "hcl",
    "sensitive",
    "version_id",
    "created_at",
    "workspace_id",
    "varset_id",
)
NAMES_OF_PARENTS = ("organization_name", "workspace_name")
ORDER = (Var.key, Var.category)
# How long the values of all variables included in one answer may be together: more than those of two full sets.
INCLUDED_LENGTH = 20_000_000

PLAIN = [getattr(Var, name) for name in COLUMNS]
_OF_WORKSPACES = (
    select(*PLAIN, Organization.name.label("organization_name"), Workspace.name.label("workspace_name"))
    .join(Workspace, Workspace.id == Var.workspace_id)
    .join(Organization, Organization.id == Var.organization_id)
    .order_by(*ORDER)
)
_ALL_OF_WORKSPACE = _OF_WORKSPACES.where(Var.workspace_id == bindparam("wanted_id"))
_OF_WORKSPACE = KeptStatement(_ALL_OF_WORKSPACE)
_VAR_OF_WORKSPACE = KeptStatement(_ALL_OF_WORKSPACE.where(Var.id == bindparam("var_id")))
_WORKSPACE_WITH_VARS = (
    select(*PLAIN, Organization.name.label("organization_name"), Workspace.name.label("workspace_name"))
    .select_from(Workspace)
    .join(Organization, Organization.id == Workspace.organization_id)
    .outerjoin(Var, Var.workspace_id == Workspace.id)
    .where(Workspace.id == bindparam("wanted_id"))
    .order_by(*ORDER)
)
_OF_SETS = select(*PLAIN).where(Var.varset_id.is_not(None)).order_by(*ORDER)
_VAR_OF_SET = KeptStatement(_OF_SETS.where(Var.varset_id == bindparam("varset_id"), Var.id == bindparam("var_id")))

_LENGTH = func.sum(func.length(Var.value))

_dump_own = compile_dump(VarSchema, (*COLUMNS, *NAMES_OF_PARENTS))
_dump_shared = compile_dump(SharedSchema, COLUMNS)


def dump_var(row: AnyRow) -> Shown:
    """The resource object of a variable, of a workspace or of a set."""
    return (_dump_shared if row.workspace_id is None else _dump_own)(row, None)


def readable_workspace(conditions: Mapping[str, Any]) -> Row[*tuple[Any, ...]]:
    """The workspace with these values in its columns, if the caller may read its variables; else 404."""
    return get_narrowed(_workspace_with(tuple(conditions)), P.VARIABLE_READ, Workspace, conditions)


@cache
def _workspace_with(names: tuple[str, ...]) -> Select[Any]:
    columns = Workspace.__table__.c
    found: Any = (
        select(
            Workspace.id,
            Workspace.project_id,
            Workspace.organization_id,
            Workspace.name.label("workspace_name"),
            Organization.name.label("organization_name"),
        )
        .join(Organization, Organization.id == Workspace.organization_id)
        .where(
            *(
                (case_folded(columns.name) if name == "name_lower" else columns[name]) == bindparam(name)
                for name in names
            )
        )
    )
    return found  # type: ignore[no-any-return]


def vars_of_workspace(workspace_id: str) -> list[Shown]:
    """The variables of a workspace, by key; 404 unless the caller may read them. All of them, in one statement."""
    rows = find_narrowed(_WORKSPACE_WITH_VARS, P.VARIABLE_READ, Workspace, {"wanted_id": workspace_id})
    if not rows:
        raise NotFound
    # A workspace without variables has one row without a variable.
    return [_dump_own(row, None) for row in rows if row.id is not None]


def vars_of_workspaces(identifiers: Iterable[str]) -> list[Shown]:
    """The variables, by key, of those of these workspaces whose variables the caller may read."""
    wanted = (in_values(Var.workspace_id, list(identifiers)), visible(P.VARIABLE_READ, Workspace))
    _check_length(select(_LENGTH).join(Workspace, Workspace.id == Var.workspace_id).where(*wanted))
    return [_dump_own(row, None) for row in reader().execute(_OF_WORKSPACES.where(*wanted))]


def vars_of_many_sets(identifiers: Iterable[str]) -> list[Shown]:
    """The variables, by key, of these sets."""
    held = in_values(Var.varset_id, list(identifiers))
    _check_length(select(_LENGTH).where(held))
    return vars_of_sets(held)


def _check_length(found: Select[Any]) -> None:
    if (reader().execute(found).scalar_one() or 0) > INCLUDED_LENGTH:
        raise TooMuchIncluded(parameter="include")


def rows_of_workspace(workspace_id: str) -> Sequence[Row[*tuple[Any, ...]]]:
    """The rows of a workspace's variables, by key."""
    return _OF_WORKSPACE.all(reader(), {"wanted_id": workspace_id})


def var_of_workspace(workspace_id: str, var_id: str, source: Session | None = None) -> Shown:
    """One variable of a workspace."""
    return _dump_own(_one(_VAR_OF_WORKSPACE, {"wanted_id": workspace_id, "var_id": var_id}, source), None)


def vars_of_sets(*conditions: ColumnElement[bool]) -> list[Shown]:
    """The variables of the sets that match the conditions, by key."""
    return [_dump_shared(row, None) for row in reader().execute(_OF_SETS.where(*conditions))]


def var_of_set(varset_id: str, var_id: str, source: Session | None = None) -> Shown:
    """One variable of a set."""
    return _dump_shared(_one(_VAR_OF_SET, {"varset_id": varset_id, "var_id": var_id}, source), None)


def _one(statement: KeptStatement, parameters: Mapping[str, str], source: Session | None) -> AnyRow:
    connection: Connection = reader() if source is None else source.connection()
    row = statement.one_or_none(connection, parameters)
    if row is None:
        raise NotFound
    return row
