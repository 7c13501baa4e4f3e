"""Applies the policy: ``holds`` answers for one row in memory, ``where`` selects rows in SQL.

Both ask the same question: is there a level at which the caller was granted the permission on the id that the row has
in its column for that level? A model names these columns in ``grant_columns``. A grant at a level without a column does
not reach the model.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from operator import attrgetter
from typing import Any, Protocol

from sqlalchemy import ColumnElement, and_, false, or_, true

from app.authz.grants import SITE, Grants
from app.authz.permissions import P
from app.authz.policy import POLICY, Level
from app.persistence import AnyRow, Base, Expression, in_values, values_param


class Caller(Protocol):
    """A caller, as far as grants are concerned."""

    @property
    def grants(self) -> Grants:
        """Everything that was granted to the caller."""


GrantLevels = tuple[Level, ...]

EVERYTHING: GrantLevels = (Level.SITE,)

# The level that a cell is in. Its rows are looked up by that level's index, because there is none for cells.
PARENT_LEVEL: Mapping[Level, Level] = {Level.CELL: Level.PROJECT, Level.ENVIRONMENT_CELL: Level.ENVIRONMENT}


def permissions_on(caller: Caller, grant_columns: Mapping[str, str], row: AnyRow) -> frozenset[P]:
    """All permissions that the caller has on the row: the union over the levels in ``grant_columns``."""
    return permissions_by_row(caller, grant_columns)(row)


def permissions_by_row(caller: Caller, grant_columns: Mapping[str, str]) -> Callable[[AnyRow], frozenset[P]]:
    """A function for all permissions that the caller has on each of many rows."""
    grants = caller.grants
    everywhere = grants.at(Level.SITE, SITE)
    reached = [
        (grants.by_target(level), attrgetter(column))
        for level in grants.levels
        if (column := grant_columns.get(level)) is not None
    ]

    def permissions(row: AnyRow) -> frozenset[P]:
        union = everywhere
        for held, target in reached:
            if found := held.get(target(row)):
                union = found if not union else union | found
        return union

    return permissions


def holds(caller: Caller, permission: P, row: AnyRow) -> bool:
    """Whether the caller has the permission on this row. Without a row the answer is no."""
    return row is not None and permission in permissions_on(caller, row.grant_columns, row)


def holds_at(caller: Caller, permission: P, level: Level, target: str | None) -> bool:
    """Whether the permission was granted at exactly this level and target, or on the whole site."""
    return permission in caller.grants.at(Level.SITE, SITE) or permission in caller.grants.at(level, target)


def grant_levels(
    caller: Caller,
    permission: P,
    model: type[Base],
    organization_id: str | None = None,
    project_id: str | None = None,
) -> GrantLevels:
    """The levels through which the caller reaches rows of the model, or ``EVERYTHING``.

    A statement is built once for each set of levels and then reused, with the ids as parameters. If the statement is
    limited to one organization, a grant on that organization reaches everything in it, and grants on other
    organizations do not matter. The same is true for a project.
    """
    grants = caller.grants
    if permission in grants.at(Level.SITE, SITE):
        return EVERYTHING
    levels = [
        level for level in grants.levels if level in model.grant_columns and grants.has_targets(level, permission)
    ]
    for level, target, column in (
        (Level.ORGANIZATION, organization_id, "organization_id"),
        (Level.PROJECT, project_id, "project_id"),
    ):
        # Not if the level reaches only some of the rows, by another column.
        if target is not None and level in levels and model.grant_columns[level] == column:
            if permission in grants.at(level, target):
                return EVERYTHING
            levels.remove(level)
    return tuple(sorted(levels))


def visibility_clause(
    permission: P, model: type[Base], levels: GrantLevels, *, are_many: bool = False
) -> ColumnElement[bool]:
    """The SQL condition for these levels; ``visibility_parameters`` has the values. Without a level, no row matches.

    ``are_many`` is for statements that read all rows and test each for one of many ids, see ``in_values``.
    """
    targets = {level: values_param(_parameter(permission, level)) for level in levels}
    parents = {level: values_param(_parent_parameter(permission, level)) for level in levels if level in PARENT_LEVEL}
    return _any_of(model, targets, parents, are_many=are_many)


def reached_clause(permission: P, level: Level, column: Expression) -> ColumnElement[bool]:
    """The SQL condition that the column has a target of the caller's grants at this one level, which is no cell's.

    It has a parameter of ``visibility_clause``.
    """
    return in_values(column, values_param(_parameter(permission, level)))


def visibility_parameters(caller: Caller, permission: P, levels: GrantLevels) -> dict[str, list[str]]:
    """The values for the parameters of ``visibility_clause``."""
    if levels == EVERYTHING:
        return {}
    targets = {level: caller.grants.targets(level, permission) for level in levels}
    return {
        **{_parameter(permission, level): ids for level, ids in targets.items()},
        **{
            _parent_parameter(permission, level): _parent_ids(targets[level])
            for level in PARENT_LEVEL
            if level in targets
        },
    }


def where(caller: Caller, permission: P, model: type[Base]) -> ColumnElement[bool]:
    """The SQL condition, including the ids, that selects the rows on which the caller has the permission."""
    levels = grant_levels(caller, permission, model)
    targets = {level: caller.grants.targets(level, permission) for level in levels}
    return _any_of(model, targets, {level: _parent_ids(targets[level]) for level in PARENT_LEVEL if level in targets})


def _any_of(
    model: type[Base], targets: Mapping[Level, Any], parents: Mapping[Level, Any], *, are_many: bool = False
) -> ColumnElement[bool]:
    if Level.SITE in targets:
        return true()

    def reached_by(level: Level, ids: Any) -> ColumnElement[bool]:  # noqa: ANN401 - a set or a parameter
        return in_values(getattr(model, model.grant_columns[level]), ids, are_many=are_many)

    reached = {level: reached_by(level, ids) for level, ids in targets.items()}
    for level, parent_ids in parents.items():
        reached[level] = and_(reached_by(PARENT_LEVEL[level], parent_ids), reached[level])
    return or_(false(), *reached.values())


def _parent_ids(cells: Iterable[str]) -> list[str]:
    """The ids of the projects or environments of the cells: the text before the slash."""
    return list({cell.partition("/")[0] for cell in cells})


def refusal(permission: P) -> int:
    """The status of the answer to a caller who lacks the permission."""
    return POLICY[permission].refusal


@cache
def _parameter(permission: P, level: Level) -> str:
    return f"{permission}@{level}".replace(":", "_").replace("-", "_").replace("@", "_at_")


def _parent_parameter(permission: P, level: Level) -> str:
    return f"{_parameter(permission, level)}_parents"
