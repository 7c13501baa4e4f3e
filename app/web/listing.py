"""Reading: every list and every single resource is read through a ``Listing``.

A listing says which columns a resource shows, who sees its rows, and how they are filtered and sorted. A statement is
built once for each combination of these and reused with other parameters. It stays fast on deep pages: it first finds
the ids of the page by index, and joins only those rows with what they show.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from flask import Response, request
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    bindparam,
    func,
    inspect,
    select,
    true,
)
from sqlalchemy.orm import Session

from app.authz import rules
from app.authz.permissions import P
from app.jsonapi.dump import Dump, compile_dump
from app.jsonapi.errors import BadParameter, NotFound
from app.jsonapi.query import Arguments, Page, is_paged, last_page, page_links, page_meta, page_of
from app.jsonapi.schema import Schema
from app.persistence import Base, Expression, in_values, values_param
from app.web.answers import document_response
from app.web.context import caller, reader
from app.web.filters import Chosen, Filter
from app.web.policy import mark_policy_checked

ResourceObject = dict[str, Any]

# How many statements a listing keeps. Clients choose the filters, and each combination is a statement of its own.
KEPT = 256


@dataclass(frozen=True, eq=False)
class Counted:
    """A column that counts rows of another table: those that match the condition and that the caller can see.

    If the condition is about a table between the two, ``linked`` is that table; it refers to the counted one. ``what``
    is the aggregate, which counts unless another one is given.
    """

    permission: P
    model: type[Base]
    condition: ColumnElement[bool]
    linked: type[Base] | None = None
    what: ColumnElement[Any] = field(default_factory=func.count)

    def within(self, levels: rules.GrantLevels) -> Expression:
        """The SQL expression for a caller who reaches the counted rows through these levels."""
        seen = rules.visibility_clause(self.permission, self.model, levels)
        counted: list[FromClause] = [self.model.__table__]
        if self.linked is not None:
            # To who sees them all it is the same whether what is linked is looked up.
            counted = [inspect(self.linked).selectable, *(counted if levels != rules.EVERYTHING else [])]
        source = counted[0].join(counted[1]) if len(counted) > 1 else counted[0]
        found = select(self.what).select_from(source).where(self.condition, seen)
        return found.correlate_except(*counted).scalar_subquery()


@dataclass(frozen=True, slots=True)
class Reach:
    """Which rows the caller reaches: the levels of the grants on the listing's rows, and on those of each count."""

    levels: rules.GrantLevels
    counted: tuple[rules.GrantLevels, ...]
    parameters: dict[str, Any] = field(compare=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Listing:
    """How one resource is read.

    ``columns`` maps the names that the schema uses to SQL expressions or ``Counted``; the columns of the model's scope
    are read as well. ``joined`` is the model's table joined with all other tables that the expressions need. ``order``
    must be total (no two rows equal). ``sorts`` maps the values of the query parameter ``sort`` to expressions, which
    come before ``order``. ``newest_first`` turns ``order`` around. ``counted_by_status`` adds HCP's ``status-counts``.
    """

    schema: type[Schema]
    model: type[Base]
    visible_by: P
    columns: Mapping[str, Expression | Counted]
    joined: FromClause
    order: Sequence[Expression]
    filters: Sequence[Filter] = ()
    sorts: Mapping[str, Sequence[Expression]] = field(default_factory=dict)
    counted_by_status: bool = False
    newest_first: bool = False
    _statements: dict[Hashable, Select[Any]] = field(default_factory=dict)

    @cached_property
    def dump(self) -> Dump:
        """The function that makes a resource object of a row and the caller's permissions on it."""
        return compile_dump(self.schema, self.names)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all that is read, in order: the columns, then what the policy needs to know of a row."""
        return tuple(dict.fromkeys([*self.columns, *self.model.grant_columns.values()]))

    @property
    def expressions(self) -> Mapping[str, Expression]:
        """The columns as SQL for a caller who sees everything; for the API document."""
        return {
            name: column.within(rules.EVERYTHING) if isinstance(column, Counted) else column
            for name, column in self.columns.items()
        }

    @cached_property
    def _counts(self) -> tuple[Counted, ...]:
        return tuple(column for column in self.columns.values() if isinstance(column, Counted))

    @property
    def identifier(self) -> Expression:
        """The key of the rows."""
        return self.model.__table__.c.id

    # --- one -------------------------------------------------------------------------------------------------------

    def one(self, conditions: Mapping[str, Any], source: Connection | Session | None = None) -> Row[Any]:
        """The one row with these values in its columns; 404 if there is none, or the caller can't see it.

        A name in ``conditions`` that ends in ``_lower`` means the lower-case text of the column. Inside a transaction
        ``source`` is its session.
        """
        mark_policy_checked(self.visible_by)
        reach = self._reach(conditions.get("organization_id"))
        statement = self._kept(
            ("one", reach, tuple(conditions)),
            lambda: (
                select(*self._labelled(reach))
                .select_from(self.joined)
                .where(rules.visibility_clause(self.visible_by, self.model, reach.levels), *self._equal(conditions))
            ),
        )
        values = {**conditions, **reach.parameters}
        # A session would run it through the machinery of entities; its connection is in the same transaction.
        connection = source.connection() if isinstance(source, Session) else source or reader()
        row = connection.execute(statement, values).one_or_none()
        if row is None:
            raise NotFound
        return row

    def show(self, conditions: Mapping[str, Any], source: Connection | Session | None = None) -> ResourceObject:
        """The resource object of ``one``."""
        return self.shown(self.one(conditions, source))

    def shown(self, row: Row[Any]) -> ResourceObject:
        """The resource object of a row of this listing."""
        return self.dump(row, rules.permissions_on(caller(), self.model.grant_columns, row))

    def some(self, identifiers: Iterable[str]) -> list[ResourceObject]:
        """The resource objects of those rows that the caller can see; for ``included``."""
        return [self.shown(row) for row in self._some(identifiers)]

    def _some(self, identifiers: Iterable[str]) -> Sequence[Any]:
        reach = self._reach(None)
        statement = self._kept(
            ("some", reach),
            lambda: (
                select(*self._labelled(reach))
                .select_from(self.joined)
                .where(
                    rules.visibility_clause(self.visible_by, self.model, reach.levels),
                    in_values(self.identifier, values_param("identifiers")),
                )
                .order_by(*self.order)
            ),
        )
        values = {"identifiers": identifiers, **reach.parameters}
        return reader().execute(statement, values).all()

    # --- many ------------------------------------------------------------------------------------------------------

    def page(
        self,
        parents: Mapping[str, Any],
        *,
        include: Callable[[Sequence[Row[Any]], list[ResourceObject]], list[ResourceObject]] | None = None,
        paged: bool = True,
        meta: Mapping[str, Any] | None = None,
        also: Sequence[Chosen] = (),
    ) -> Response:
        """The answer with the page of visible rows that the request asks for, below the given parents.

        ``include`` gets the rows and their resource objects and returns what goes into ``included``. A list that is not
        ``paged`` is shown as a whole, unless the request asks for a page. ``meta`` goes beside the pagination block.
        ``also`` are conditions of the view, besides those of the filters.
        """
        arguments = request.args
        page = page_of(arguments) if paged or is_paged(arguments) else None
        rows, total, visible = self._rows(parents, arguments, page, also)
        who, scope, dump = caller(), self.model.grant_columns, self.dump
        rows = self._completed(rows)
        data = [dump(row, rules.permissions_on(who, scope, row)) for row in rows]
        document: dict[str, Any] = {"data": data}
        if include is not None:
            document["included"] = include(rows, data)
        shown_meta: dict[str, Any] = dict(meta or {})
        if self.counted_by_status:
            shown_meta["status-counts"] = {"total": visible, "matching": total}
        if page is not None:
            document["links"] = page_links(
                request.base_url,
                arguments.to_dict(flat=False),
                page,
                last_page(page, total),
            )
            shown_meta["pagination"] = page_meta(page, total)
        if shown_meta:
            document["meta"] = shown_meta
        return document_response(document)

    def _completed(self, rows: Sequence[Row[Any]]) -> Sequence[Any]:
        """The rows of a page, with what a subclass reads for all of them at once."""
        return rows

    def _chosen(self, arguments: Arguments, also: Sequence[Chosen], organization_id: str | None) -> list[Chosen]:
        found = (each.read(arguments, caller(), organization_id) for each in self.filters)
        return [*also, *(each for each in found if each is not None)]

    def _rows(
        self,
        parents: Mapping[str, Any],
        arguments: Arguments,
        page: Page | None,
        also: Sequence[Chosen],
    ) -> tuple[Sequence[Row[Any]], int, int]:
        """The rows of the page; how many match the filters, and how many the caller can see."""
        mark_policy_checked(self.visible_by)
        organization_id = parents.get("organization_id")
        reach = self._reach(organization_id, parents.get("project_id"))
        chosen = self._chosen(arguments, also, organization_id)
        sort = self._sort(arguments)
        key = ("many", reach, tuple(parents), tuple(each.key for each in chosen), sort, page is not None)
        statement = self._kept(key, lambda: self._many(reach, parents, chosen, sort, is_paged=page is not None))
        values: dict[str, Any] = {**parents, **reach.parameters}
        for each in chosen:
            values |= each.parameters
        if page is not None:
            values |= {"page_size": page.size, "page_offset": page.offset}
        rows = reader().execute(statement, values).all()
        first = rows[0]
        # Past the end there is one row with the counts and nothing else.
        return ([] if first.id is None else rows), first.matching_count, first.visible_count

    def _sort(self, arguments: Arguments) -> str:
        wanted = arguments.get("sort") or ""
        if wanted and wanted.removeprefix("-") not in self.sorts:
            # A route without sorts ignores the parameter like any other that it does not have.
            if self.sorts:
                known = ", ".join(self.sorts)
                raise BadParameter(f"sort must be one of {known}, with - before it for descending", parameter="sort")
            return ""
        return wanted

    def _kept(self, key: Hashable, build: Callable[[], Select[Any]]) -> Select[Any]:
        statement = self._statements.get(key)
        if statement is None:
            if len(self._statements) >= KEPT:
                self._statements.clear()
            statement = self._statements[key] = build()
        return statement

    def _reach(self, organization_id: str | None, project_id: str | None = None) -> Reach:
        who = caller()
        levels = rules.grant_levels(who, self.visible_by, self.model, organization_id, project_id)
        parameters = rules.visibility_parameters(who, self.visible_by, levels)
        counted = []
        for count in self._counts:
            counted.append(rules.grant_levels(who, count.permission, count.model, organization_id))
            parameters |= rules.visibility_parameters(who, count.permission, counted[-1])
        return Reach(levels, tuple(counted), parameters)

    def _many(
        self,
        reach: Reach,
        parents: Mapping[str, Any],
        chosen: Sequence[Chosen],
        sort: str,
        *,
        is_paged: bool,
    ) -> Select[Any]:
        seen = [
            rules.visibility_clause(self.visible_by, self.model, reach.levels),
            *self._equal(_narrowest(parents), by_index=not self._reaches_by_id(reach.levels)),
        ]
        wanted = [clause for each in chosen for clause in each.clauses()]
        # Few rows match a filter or what a member sees: they are found once, then counted and cut. Of a whole
        # organization the count and the page each have a better way of their own, by index.
        is_narrow = bool(wanted) or reach.levels != rules.EVERYTHING
        return self._cut(seen, wanted, sort, reach=reach, is_narrow=is_narrow, is_paged=is_paged)

    def _cut(  # noqa: PLR0913 - what makes one statement differ from another
        self,
        seen: list[ColumnElement[bool]],
        wanted: list[ColumnElement[bool]],
        sort: str,
        *,
        reach: Reach,
        is_narrow: bool,
        is_paged: bool,
    ) -> Select[Any]:
        # The same expression twice would keep an index from serving the order.
        keys = list(dict.fromkeys([*self.sorts[sort.removeprefix("-")], *self.order] if sort else self.order))
        names = [f"order_{index}" for index in range(len(keys))]
        matching: FromClause
        if is_narrow:
            hits = (
                select(self.identifier, *(each.label(name) for each, name in zip(keys, names, strict=True)))
                .where(*seen, *wanted)
                .cte("hits")
            )
            cut = select(hits.c.id).order_by(*self._directed([hits.c[name] for name in names], sort))
            matching = hits
        else:
            cut = select(self.identifier).where(*seen).order_by(*self._directed(keys, sort))
            matching = select(self.identifier).where(*seen).subquery("matching")
        if is_paged:
            cut = cut.limit(bindparam("page_size", type_=BigInteger)).offset(bindparam("page_offset", type_=BigInteger))
        cut_rows = cut.subquery("cut")
        page = (
            select(*self._labelled(reach), *(each.label(name) for each, name in zip(keys, names, strict=True)))
            .select_from(self.joined.join(cut_rows, cut_rows.c.id == self.identifier))
            .subquery("page")
        )
        matched = select(func.count().label("n")).select_from(matching).subquery("matched")
        counted: FromClause = matched
        visible = matched
        if self.counted_by_status and wanted:
            visible = select(func.count().label("n")).select_from(self.model).where(*seen).subquery("visible")
            counted = matched.join(visible, true())
        # A column of its own for each count, read from one subquery: written twice, it would be counted twice.
        counts = (
            select(matched.c.n.label("matching_count"), visible.c.n.label("visible_count"))
            .select_from(counted)
            .subquery("counts")
        )
        return (
            select(*(page.c[name] for name in self.names), counts.c.matching_count, counts.c.visible_count)
            .select_from(counts.outerjoin(page, true()))
            .order_by(*self._directed([page.c[name] for name in names], sort))
        )

    def _reaches_by_id(self, levels: rules.GrantLevels) -> bool:
        # Of what is below a workspace the project is no column of its own: the rows are found by the workspace.
        plain = {"id", "project_id", "environment_id"}.intersection(self.model.__table__.c.keys())
        indexed_grant_columns = plain | self.model.indexed_grant_columns
        return levels != rules.EVERYTHING and all(
            self.model.grant_columns[rules.PARENT_LEVEL.get(level, level)] in indexed_grant_columns for level in levels
        )

    def _directed(self, keys: Sequence[Expression], sort: str) -> list[Expression]:
        # Only the wanted sort turns around; the tie-breakers behind it may as well, which lets one index serve both.
        is_descending = sort.startswith("-") if sort else self.newest_first
        return [key.desc() for key in keys] if is_descending else list(keys)

    def _labelled(self, reach: Reach) -> list[Expression]:
        shapes = iter(reach.counted)
        found: list[Expression] = []
        for name in self.names:
            column = self.columns[name] if name in self.columns else getattr(self.model, name)
            found.append((column.within(next(shapes)) if isinstance(column, Counted) else column).label(name))
        return found

    def _equal(self, conditions: Mapping[str, Any], *, by_index: bool = True) -> list[ColumnElement[bool]]:
        columns = self.model.__table__.c
        return [
            func.lower(columns[name.removesuffix("_lower")]) == bindparam(name)
            if name.endswith("_lower")
            # SQLite would rather go through all of the organization than look up the few ids that the caller has.
            else columns[name].concat("") == bindparam(name)
            if name == "organization_id" and not by_index
            else columns[name] == bindparam(name)
            for name in conditions
        ]


def _narrowest(parents: Mapping[str, Any]) -> Mapping[str, Any]:
    # Of a project and its organization the project alone is looked for: the organization follows from it, and its
    # index would be no shorter way.
    return {name: parents[name] for name in parents if name != "organization_id" or "project_id" not in parents}
