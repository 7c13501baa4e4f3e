"""The SQL of listings: a listing's declaration, and the statements made from it. Independent of any request.

A statement has parameters for everything that differs between callers with grants at the same levels, so that it can be
built once and reused.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    FromClause,
    Select,
    and_,
    bindparam,
    case,
    func,
    inspect,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.sql import coercions, roles, visitors

from app.authz import rules
from app.authz.permissions import P
from app.jsonapi.query import MAXIMUM_SIZE
from app.persistence import Base, Expression, case_folded, in_values, values_param
from app.web.cursors import beyond


@dataclass(frozen=True, eq=False)
class Counted:
    """A column that counts rows of another table: those that match the condition and that the caller can see.

    If the condition is about a table between the two, ``linked`` is that table; it refers to the counted one. ``what``
    is the aggregate, by default a count.

    ``shared`` has the grant columns in which all the rows that match are equal, with the column of the listing's row
    that has the same value: all workspaces of a project are in its organization. Grants on these are looked up once for
    the listing's row instead of once for each row that is counted.
    """

    permission: P
    model: type[Base]
    condition: ColumnElement[bool]
    linked: type[Base] | None = None
    what: ColumnElement[Any] = field(default_factory=func.count)
    shared: Mapping[str, Expression] = field(default_factory=dict)

    def within(self, levels: rules.GrantLevels) -> Expression:
        """The SQL expression for a caller who sees the counted rows through grants at these levels."""
        columns = {level: self.shared.get(self.model.grant_columns.get(level, "")) for level in levels}
        of_all = {level: column for level, column in columns.items() if column is not None}
        if not of_all:
            return self._counted(levels)
        reached = or_(*(rules.reached_clause(self.permission, level, column) for level, column in of_all.items()))
        others = tuple(level for level in levels if level not in of_all)
        return case((reached, self._counted(rules.EVERYTHING)), else_=self._counted(others) if others else 0)

    def _counted(self, levels: rules.GrantLevels) -> Expression:
        visible = rules.visibility_clause(self.permission, self.model, levels)
        sources: list[FromClause] = [self.model.__table__]
        if self.linked is not None:
            # A caller who sees every row doesn't need the join.
            sources = [inspect(self.linked).selectable, *(sources if levels != rules.EVERYTHING else [])]
        source = sources[0].join(sources[1]) if len(sources) > 1 else sources[0]
        counted = select(self.what).select_from(source).where(self.condition, visible)
        return counted.correlate_except(*sources).scalar_subquery()


@dataclass(frozen=True, slots=True)
class Visibility:
    """The levels of the caller's grants on the listing's rows, and on the rows of each count."""

    levels: rules.GrantLevels
    counted: tuple[rules.GrantLevels, ...]
    parameters: dict[str, Any] = field(compare=False)
    are_many: bool = False
    """Whether all rows below the parents are read, because no index finds them, and tested for one of many ids."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Declaration:
    """The columns and the order in which one resource is read.

    ``columns`` maps the names that the schema uses to SQL expressions or ``Counted``; the grant columns of the model
    are read as well. ``joined`` is the model's table joined with all other tables that the expressions need. ``order``
    must be total (no two rows equal). ``sorts`` maps the values of the query parameter ``sort`` to expressions, which
    come before ``order``. ``newest_first`` reverses ``order``. ``counted_by_status`` adds HCP's ``status-counts``.
    Rows that do not match ``only`` are as if they were not there.

    The permission to see a row is the model's ``visible_by`` unless ``visible_by`` names another one. ``parents`` has
    the conditions for parents that are not columns of the model, each with a parameter of the parent's name.
    """

    model: type[Base]
    columns: Mapping[str, Expression | Counted]
    joined: FromClause
    order: Sequence[Expression]
    visible_by: P | None = None
    sorts: Mapping[str, Sequence[Expression]] = field(default_factory=dict)
    parents: Mapping[str, ColumnElement[bool]] = field(default_factory=dict)
    counted_by_status: bool = False
    newest_first: bool = False
    only: ColumnElement[bool] = field(default_factory=true)

    @cached_property
    def permission(self) -> P:
        """The permission of callers who see a row."""
        permission: P = self.visible_by or self.model.visible_by
        return permission

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all columns that are read, in order: those of the listing, then those that the policy needs."""
        return tuple(dict.fromkeys([*self.columns, *self.model.grant_columns.values()]))

    @property
    def expressions(self) -> Mapping[str, Expression]:
        """The columns as SQL expressions for a caller who sees everything; for the API document."""
        return {
            name: column.within(rules.EVERYTHING) if isinstance(column, Counted) else column
            for name, column in self.columns.items()
        }

    @cached_property
    def counts(self) -> tuple[Counted, ...]:
        """The columns that count rows that the caller can see."""
        return tuple(column for column in self.columns.values() if isinstance(column, Counted))

    @property
    def identifier(self) -> Expression:
        """The key of the rows."""
        return self.model.__table__.c.id


def plain(model: type[Base], names: str) -> dict[str, Expression]:
    """The columns of a listing that are attributes of the model: ``plain(Project, "id name description")``."""
    return {name: getattr(model, name) for name in names.split()}


def columns_in(*expressions: Expression) -> frozenset[Any]:
    """The table columns in the expressions."""
    return frozenset(
        each
        for expression in expressions
        for each in visitors.iterate(coercions.expect(roles.ExpressionElementRole, expression))
        if isinstance(each, Column)
    )


def get_statement(listing: Declaration, visibility: Visibility, conditions: Iterable[str]) -> Select[Any]:
    """Read the visible rows that have the values of these parameters in the columns of the same names."""
    return (
        select(*labelled_columns(listing, visibility))
        .select_from(listing.joined)
        .where(visible_rows(listing, visibility), *_equal(listing, conditions))
    )


def find_many_statement(listing: Declaration, visibility: Visibility) -> Select[Any]:
    """Read the visible rows whose ids are in the parameter ``identifiers``."""
    return (
        select(*labelled_columns(listing, visibility))
        .select_from(listing.joined)
        .where(visible_rows(listing, visibility), in_values(listing.identifier, values_param("identifiers")))
        .order_by(*listing.order)
    )


def page_statement(  # noqa: PLR0913 - what makes one statement differ from another
    listing: Declaration,
    visibility: Visibility,
    parents: Iterable[str],
    wanted: Sequence[ColumnElement[bool]],
    sort: Sequence[str],
    *,
    is_paged: bool,
    visible_where: ColumnElement[bool] | None = None,
    finds_ids: bool = False,
) -> Select[Any]:
    """Read a page of the visible rows below the parents that match the ``wanted`` conditions, with two counts.

    ``matching_count`` is the number of rows that match, ``visible_count`` the number that the caller can see. A page
    past the end has one row with only the counts. With ``visible_where``, this condition decides what is visible.
    ``finds_ids`` says that one of the ``wanted`` conditions lists the ids of the rows, by which they are looked up.
    """
    seen = _seen(listing, visibility, parents, visible_where, finds_ids=finds_ids)
    # Filters, or the grants of a member, leave few rows: these are found once, then counted and cut. For a whole
    # organization, the count and the page are faster separately, each by its own index.
    is_narrow = bool(wanted) or visible_where is not None or visibility.levels != rules.EVERYTHING
    keys = sort_keys(listing, sort)
    order_names = [f"order_{index}" for index in range(len(keys))]
    order_columns: list[Expression] = [key.label(name) for key, name in zip(keys, order_names, strict=True)]
    is_descending = list(keys.values())
    matching: FromClause
    if is_narrow:
        matching_ids = select(listing.identifier, *order_columns).where(*seen, *wanted).cte("matching_ids")
        page_ids = select(matching_ids.c.id).order_by(
            *_directed([matching_ids.c[name] for name in order_names], is_descending)
        )
        matching = matching_ids
    else:
        page_ids = select(listing.identifier).where(*seen).order_by(*_directed(list(keys), is_descending))
        matching = select(listing.identifier).where(*seen).subquery("matching")
    if is_paged:
        page_ids = _cut(page_ids)
    page_rows = page_ids.subquery("page_rows")
    page = (
        select(*labelled_columns(listing, visibility), *order_columns)
        .select_from(listing.joined.join(page_rows, page_rows.c.id == listing.identifier))
        .subquery("page")
    )
    matched = select(func.count().label("n")).select_from(matching).subquery("matched")
    counted: FromClause = matched
    visible = matched
    if listing.counted_by_status and wanted:
        visible = select(func.count().label("n")).select_from(listing.model).where(*seen).subquery("visible")
        counted = matched.join(visible, true())
    # Each count is a column of one subquery: if it were written twice, it would be counted twice.
    counts = (
        select(matched.c.n.label("matching_count"), visible.c.n.label("visible_count"))
        .select_from(counted)
        .subquery("counts")
    )
    return (
        select(*(page.c[name] for name in listing.names), counts.c.matching_count, counts.c.visible_count)
        .select_from(counts.outerjoin(page, true()))
        .order_by(*_directed([page.c[name] for name in order_names], is_descending))
    )


def uncounted_page_statement(  # noqa: PLR0913 - what makes one statement differ from another
    listing: Declaration,
    visibility: Visibility,
    parents: Iterable[str],
    wanted: Sequence[ColumnElement[bool]],
    keys: Mapping[Expression, bool],
    *,
    is_backward: bool = False,
    has_cursor: bool = False,
    visible_where: ColumnElement[bool] | None = None,
    finds_ids: bool = False,
) -> Select[Any]:
    """Read a page like ``page_statement``, but count nothing; the values of the sort keys are ``order_0`` and so on.

    If ``is_backward``, the rows are cut in the opposite order, and come in that order. With ``has_cursor``, they are
    those beyond the one whose values are the parameters of ``cursors.decode``.
    """
    seen = _seen(listing, visibility, parents, visible_where, finds_ids=finds_ids)
    if has_cursor:
        seen.append(beyond(list(keys), list(keys.values()), is_backward=is_backward))
    is_descending = [descends != is_backward for descends in keys.values()]
    matching = select(listing.identifier).where(*seen, *wanted).order_by(*_directed(list(keys), is_descending))
    page_rows = _cut(matching).subquery("page_rows")
    ordered: list[Expression] = [key.label(f"order_{index}") for index, key in enumerate(keys)]
    return (
        select(*labelled_columns(listing, visibility), *ordered)
        .select_from(listing.joined.join(page_rows, page_rows.c.id == listing.identifier))
        .order_by(*_directed(ordered, is_descending))
    )


def _cut(ids: Select[Any]) -> Select[Any]:
    """The page of these ids, with the parameters ``page_size`` and ``page_offset``."""
    size, offset = (bindparam(name, type_=BigInteger) for name in ("page_size", "page_offset"))
    page = ids.limit(size).offset(offset).subquery("page_ids")
    # All of them. A planner that does not know the parameters learns here that they are few. One more row than a page
    # has shows whether the list goes on.
    return select(page.c.id).limit(literal(MAXIMUM_SIZE + 1, BigInteger))


def visible_rows(listing: Declaration, visibility: Visibility) -> ColumnElement[bool]:
    """The condition that the caller sees a row."""
    levels, are_many = visibility.levels, visibility.are_many
    return and_(rules.visibility_clause(listing.permission, listing.model, levels, are_many=are_many), listing.only)


def labelled_columns(listing: Declaration, visibility: Visibility) -> list[Expression]:
    """All columns of the listing, labelled with their names; counts include only rows that the caller can see."""
    levels = iter(visibility.counted)
    columns: list[Expression] = []
    for name in listing.names:
        column = listing.columns[name] if name in listing.columns else getattr(listing.model, name)
        columns.append((column.within(next(levels)) if isinstance(column, Counted) else column).label(name))
    return columns


def _seen(
    listing: Declaration,
    visibility: Visibility,
    parents: Iterable[str],
    visible_where: ColumnElement[bool] | None,
    *,
    finds_ids: bool,
) -> list[ColumnElement[bool]]:
    """The conditions that the caller sees a row below the parents."""
    if visible_where is not None:
        return [visible_where, listing.only]
    by_index = not (finds_ids or is_reached_by_id(listing, visibility.levels))
    return [visible_rows(listing, visibility), *_equal(listing, _narrowest(parents), by_index=by_index)]


def is_reached_by_id(listing: Declaration, levels: rules.GrantLevels) -> bool:
    """Whether an index finds the rows at each of these levels."""
    # Rows below a workspace have no column for the project: they are found by the workspace.
    own_columns = {"id", "project_id", "environment_id"}.intersection(listing.model.__table__.c.keys())
    indexed = own_columns | listing.model.indexed_grant_columns
    return levels != rules.EVERYTHING and all(
        listing.model.grant_columns[rules.PARENT_LEVEL.get(level, level)] in indexed for level in levels
    )


def sort_keys(listing: Declaration, sort: Sequence[str]) -> dict[Expression, bool]:
    """The expressions to sort by, each with whether it descends.

    Each comes only once, because an index can't serve an order that repeats one.
    """
    keys: dict[Expression, bool] = {}
    is_descending = listing.newest_first
    for each in sort:
        is_descending = each.startswith("-")
        for key in listing.sorts[each.removeprefix("-")]:
            keys.setdefault(key, is_descending)
    # The tie-breakers go with the last of the sorts, so that one index serves both directions of a single one.
    for key in listing.order:
        keys.setdefault(key, is_descending)
    return keys


def _directed(keys: Sequence[Expression], is_descending: Sequence[bool]) -> list[Expression]:
    return [key.desc() if descends else key for key, descends in zip(keys, is_descending, strict=True)]


def _equal(listing: Declaration, names: Iterable[str], *, by_index: bool = True) -> list[ColumnElement[bool]]:
    columns = listing.model.__table__.c
    return [
        listing.parents[name]
        if name in listing.parents
        else case_folded(columns[name.removesuffix("_lower")]) == bindparam(name)
        if name.endswith("_lower")
        # Otherwise SQLite would scan the whole organization instead of looking up the caller's few ids.
        else columns[name].concat("") == bindparam(name)
        if name == "organization_id" and not by_index
        else columns[name] == bindparam(name)
        for name in names
    ]


def _narrowest(parents: Iterable[str]) -> list[str]:
    # A project and its organization are reduced to the project: it implies the organization, whose index would not be
    # faster.
    names = list(parents)
    return [name for name in names if name != "organization_id" or "project_id" not in names]
