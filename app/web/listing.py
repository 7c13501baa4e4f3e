"""Reading: every list and every single resource is read through a ``Listing``.

A listing declares the columns of a resource, the permission to see its rows, and its filters and sorts. Its statements
are built once for each combination of these and reused with other parameters (``app.web.statements``). Late pages are
as fast as early ones: the ids of the page are found by index, and only those rows are joined with other tables.
"""

from collections import namedtuple
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from flask import Response, request
from sqlalchemy import ColumnElement, Connection, Row, Select
from sqlalchemy.orm import Session

from app.authz import rules
from app.authz.permissions import P
from app.jsonapi.dump import Dump, compile_dump
from app.jsonapi.errors import BadParameter, NotFound
from app.jsonapi.parameters import Known
from app.jsonapi.query import Arguments, CursorPage, Page, any_page_of, is_paged, list_values
from app.jsonapi.schema import Schema, protected_attributes
from app.persistence import AnyRow, Expression, KeptStatement
from app.web import cursors
from app.web.answers import document_response
from app.web.conditions import ensure_matches
from app.web.context import caller, reader
from app.web.filters import Filter, FilterClause, also_permitted
from app.web.pages import Found, Wanted, counted_page, page_by_cursor, uncounted_page
from app.web.policy import mark_policy_checked, require
from app.web.statements import (
    Counted,
    Declaration,
    Visibility,
    columns_in,
    find_many_statement,
    get_statement,
    is_reached_by_id,
    page_statement,
    plain,
    sort_keys,
    uncounted_page_statement,
)

__all__ = ["Complete", "Counted", "Include", "Listing", "ResourceObject", "plain"]

ResourceObject = dict[str, Any]

Complete = Callable[["Listing", Sequence[Row[Any]], Connection | Session], list[Any]]
"""Reads further values for several rows at once; returns the completed rows."""

Include = Callable[[Sequence[Any], list[ResourceObject]], list[ResourceObject]]
"""Reads the resources for ``included``, for the rows of an answer and their resource objects."""

# How many statements a listing caches. Clients choose the filters, and each combination is a statement of its own.
STATEMENT_CACHE_SIZE = 256

# More ids than this make a hash table worth its while.
MANY_IDS = 50


@dataclass(frozen=True, kw_only=True, eq=False)
class Listing(Declaration):
    """How one resource is read and shown: a declaration with a schema, filters and a hook that completes rows."""

    schema: type[Schema]
    filters: Sequence[Filter] = ()
    complete: Complete | None = None
    is_own: bool = False
    """Whether the list is Groundplan's own, although HCP Terraform has the resource: it refuses unknown filters."""
    _statements: dict[Hashable, KeptStatement] = field(default_factory=dict, init=False)
    _permissions_by_clause: dict[Hashable, frozenset[P]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Refuse an order by a protected attribute: the order of the rows would reveal its values."""
        ordered = columns_in(*self.order, *(key for keys in self.sorts.values() for key in keys))
        if any(ordered & columns for columns, _ in self.protected_columns):
            message = f"a list of {self.schema.Meta.type_} can't be sorted by an attribute with shown_to"
            raise ValueError(message)

    @cached_property
    def dump(self) -> Dump:
        """The function that makes a resource object from a row and the caller's permissions on it."""
        return compile_dump(self.schema, self.names)

    @cached_property
    def parameters(self) -> Known:
        """The query parameters of the filters."""
        also_named: dict[str, str] = {}
        for each in self.filters:
            also_named |= each.also_named
        names = [name for each in self.filters for name, _ in each.parameters]
        return Known(names, also_named, is_strict=self.is_own or self.schema.opts.is_own)

    @cached_property
    def protected_columns(self) -> Sequence[tuple[frozenset[Any], P]]:
        """The columns of attributes that only some callers see, with the permission to see them.

        A count is not among them: it has no column that a filter could use.
        """
        return [
            (columns_in(column), permission)
            for names, permission in protected_attributes(self.schema).values()
            for name in names
            if (column := self.columns.get(name, getattr(self.model, name, None))) is not None
            and not isinstance(column, Counted)
        ]

    # --- one -------------------------------------------------------------------------------------------------------

    def get(self, conditions: Mapping[str, Any], source: Connection | Session | None = None) -> Row[Any]:
        """The one row with these values in its columns; 404 if there is none, or the caller can't see it.

        A name in ``conditions`` that ends in ``_lower`` means the lower-case text of the column. Inside a transaction
        ``source`` is its session. The row is not completed: see ``get_complete``.
        """
        mark_policy_checked(self.permission)
        visibility = self.visibility(conditions.get("organization_id"))
        statement = self._cached(
            ("one", visibility, tuple(conditions)), lambda: get_statement(self, visibility, conditions)
        )
        values = {**conditions, **visibility.parameters}
        # Not through the session, which is slower for plain rows; its connection is in the same transaction.
        connection = source.connection() if isinstance(source, Session) else source or reader()
        row: Row[Any] | None = statement.one_or_none(connection, values)
        if row is None:
            raise NotFound
        return row

    def lock(
        self,
        session: Session,
        identifier: str,
        permission: P,
        *,
        also: tuple[Expression, ...] = (),
        parameters: Mapping[str, Any] | None = None,
    ) -> Row[Any]:
        """The row that the request is about to change, locked until the transaction ends, with columns ``also``.

        It is what ``policy.get_for_update`` is for an entity, for a change whose answer is made from this row and what
        was written: see ``row_of``. ``parameters`` are those of the further columns.
        """
        mark_policy_checked(self.permission, permission)
        visibility = self.visibility()
        statement = self._cached(
            ("locked", visibility, also),
            lambda: get_statement(self, visibility, ("id",)).add_columns(*also).with_for_update(of=self.model),
        )
        values = {"id": identifier, **visibility.parameters, **(parameters or {})}
        connection = session.connection()
        # PostgreSQL finds nothing if, while it waited for the lock, the row was moved to another project: then the row
        # is looked for again.
        row: Row[Any] | None = statement.one_or_none(connection, values) or statement.one_or_none(connection, values)
        if row is None:
            raise NotFound
        require(permission, row, self.model)
        ensure_matches(session)
        return row

    def get_complete(self, conditions: Mapping[str, Any], source: Connection | Session | None = None) -> AnyRow:
        """The row of ``get``, completed."""
        return self._completed([self.get(conditions, source)], source)[0]

    def get_resource(self, conditions: Mapping[str, Any], source: Connection | Session | None = None) -> ResourceObject:
        """The resource object of ``get_complete``."""
        return self.to_resource(self.get_complete(conditions, source))

    def to_resource(self, row: AnyRow, also: frozenset[P] = frozenset()) -> ResourceObject:
        """The resource object of a completed row of this listing.

        ``also`` are permissions on the row that the caller has got by this request.
        """
        held = rules.permissions_on(caller(), self.model.grant_columns, row)
        return self.dump(row, held | also if also else held)

    def to_resources(self, rows: Iterable[AnyRow]) -> list[ResourceObject]:
        """The resource objects of completed rows of this listing."""
        dump, held_on = self.dump, rules.permissions_by_row(caller(), self.model.grant_columns)
        return [dump(row, held_on(row)) for row in rows]

    @cached_property
    def _row_type(self) -> Callable[..., AnyRow]:
        return namedtuple("ListedRow", self.names)  # noqa: PYI024 - the names are those of the listing

    def row_of(self, entity: AnyRow, **others: Any) -> AnyRow:  # noqa: ANN401 - the values of columns
        """A row of this listing from what was just written: the columns in ``others``, the rest from the entity.

        For answers to a change that need not read again what they have written.
        """
        return self._row_type(*(others[name] if name in others else getattr(entity, name) for name in self.names))

    # --- many ------------------------------------------------------------------------------------------------------

    def find_many(self, identifiers: Iterable[str]) -> list[ResourceObject]:
        """The resource objects with these ids that the caller can see; for ``included``."""
        visibility = self.visibility()
        statement = self._cached(("some", visibility), lambda: find_many_statement(self, visibility))
        rows = statement.all(reader(), {"identifiers": identifiers, **visibility.parameters})
        return self.to_resources(self._completed(rows))

    def page_response(  # noqa: PLR0913 - the options of an answer
        self,
        parents: Mapping[str, Any],
        *,
        include: Include | None = None,
        paged: bool = True,
        meta: Mapping[str, Any] | None = None,
        extra_filters: Sequence[FilterClause] = (),
        visible_where: ColumnElement[bool] | None = None,
    ) -> Response:
        """The answer with the page of visible rows that the request asks for, below the given parents.

        ``include`` gets the rows and their resource objects and returns the resources for ``included``. A list that is
        not ``paged`` is shown as a whole, unless the request asks for a page. ``meta`` is added beside the pagination
        block. ``extra_filters`` are conditions of the view, besides those of the request. With ``visible_where``, this
        condition decides which rows are visible; it must hold only for rows that the caller may see.
        """
        page = any_page_of(request.args) if paged or is_paged(request.args) else None
        wanted = Wanted(parents, request.args, extra_filters, visible_where)
        if isinstance(page, CursorPage):
            found = self._page_by_cursor(page, wanted)
        elif page is None or page.is_counted:
            found = self._counted_page(page, wanted)
        else:
            found = self._uncounted_page(page, wanted)
        rows = self._completed(found.rows)
        data = self.to_resources(rows)
        document: dict[str, Any] = {"data": data}
        if include is not None:
            document["included"] = include(rows, data)
        if found.links:
            document["links"] = found.links
        if shown_meta := {**(meta or {}), **found.meta}:
            document["meta"] = shown_meta
        return document_response(document)

    def visibility(self, organization_id: str | None = None, project_id: str | None = None) -> Visibility:
        """The caller's visibility of rows, within an organization or project if the statement is limited to it."""
        who = caller()
        levels = rules.grant_levels(who, self.permission, self.model, organization_id, project_id)
        parameters = rules.visibility_parameters(who, self.permission, levels)
        has_many = any(len(ids) > MANY_IDS for ids in parameters.values())
        counted = []
        for count in self.counts:
            counted.append(rules.grant_levels(who, count.permission, count.model, organization_id))
            parameters |= rules.visibility_parameters(who, count.permission, counted[-1])
        return Visibility(levels, tuple(counted), parameters, has_many and not is_reached_by_id(self, levels))

    def _completed(self, rows: Sequence[Row[Any]], source: Connection | Session | None = None) -> Sequence[Any]:
        return rows if self.complete is None else self.complete(self, rows, source or reader())

    def _counted_page(self, page: Page | None, wanted: Wanted) -> Found:
        """The rows of the page, or all, with how many match the filters and how many the caller can see."""
        sort = self._sort(wanted.arguments)
        is_paged = page is not None
        place = {"page_size": page.size, "page_offset": page.offset} if page is not None else {}
        select_page = partial(page_statement, sort=sort, is_paged=is_paged)
        rows = self._rows(wanted, ("many", sort, is_paged), select_page, place)
        return counted_page(page, wanted, rows, by_status=self.counted_by_status)

    def _uncounted_page(self, page: Page, wanted: Wanted) -> Found:
        """The rows of a page whose list is not counted. One row more is read, to see whether the list goes on."""
        sort = self._sort(wanted.arguments)
        select_page = partial(uncounted_page_statement, keys=sort_keys(self, sort))
        place = {"page_size": page.size + 1, "page_offset": page.offset}
        return uncounted_page(page, wanted, self._rows(wanted, ("uncounted", sort), select_page, place))

    def _page_by_cursor(self, page: CursorPage, wanted: Wanted) -> Found:
        """The rows after or before a cursor, and one more row as in ``_uncounted_page``."""
        sort = self._sort(wanted.arguments)
        keys = sort_keys(self, sort)
        # Two rows may have the same values of all other keys, and a cursor stands at one of them.
        if not any(columns_in(key) == {self.identifier} for key in keys):
            keys[self.identifier] = list(keys.values())[-1]
        place = {"page_size": page.size + 1, "page_offset": 0}
        if page.cursor:
            place |= cursors.decode(page.cursor, sort, [cursors.type_of(key) for key in keys], page.parameter)
        is_backward, has_cursor = page.is_backward, page.cursor != ""
        select_page = partial(uncounted_page_statement, keys=keys, is_backward=is_backward, has_cursor=has_cursor)
        rows = self._rows(wanted, ("by cursor", sort, is_backward, has_cursor), select_page, place)
        return page_by_cursor(page, wanted, rows, sort, len(keys))

    def _rows(
        self, wanted: Wanted, form: Hashable, select_page: Callable[..., Select[Any]], place: Mapping[str, Any]
    ) -> Sequence[Row[Any]]:
        """Run a statement for what is wanted; ``form`` distinguishes cached statements, ``place`` says which page."""
        mark_policy_checked(self.permission)
        organization_id = wanted.parents.get("organization_id")
        visibility = self.visibility(organization_id, wanted.parents.get("project_id"))
        clauses = [*wanted.extra_filters, *self._filter_clauses(wanted.arguments, organization_id)]

        def build() -> Select[Any]:
            return select_page(
                self,
                visibility,
                wanted.parents,
                [condition for each in clauses for condition in each.conditions()],
                visible_where=wanted.visible_where,
                finds_ids=any(each.finds_ids for each in clauses),
            )

        key = (form, visibility, tuple(wanted.parents), tuple(each.key for each in clauses))
        values: dict[str, Any] = {**wanted.parents, **visibility.parameters, **place}
        for each in clauses:
            values |= each.parameters
        if wanted.visible_where is None:
            return self._cached(key, build).all(reader(), values)
        # A condition of the view contains its values, so no other request can reuse the statement.
        return reader().execute(build(), values).all()

    def _filter_clauses(self, arguments: Arguments, organization_id: str | None) -> Iterator[FilterClause]:
        who = caller()
        arguments = self.parameters.understand(arguments)
        for each in self.filters:
            clause = each.parse(arguments, who, organization_id)
            if clause is not None:
                for permission in self._permissions_to_filter(clause):
                    # A filter on a protected attribute finds only rows whose value the caller may see.
                    clause = also_permitted(clause, permission, self.model, who, organization_id)
                yield clause

    def _permissions_to_filter(self, clause: FilterClause) -> frozenset[P]:
        if not self.protected_columns:
            return frozenset()
        permissions = self._permissions_by_clause.get(clause.key)
        if permissions is None:
            read = columns_in(*clause.conditions())
            permissions = frozenset(permission for columns, permission in self.protected_columns if columns & read)
            self._permissions_by_clause[clause.key] = permissions
        return permissions

    def _sort(self, arguments: Arguments) -> tuple[str, ...]:
        # A route without sorts ignores the parameter, like every unknown parameter.
        wanted = tuple(list_values(arguments, "sort")) if self.sorts else ()
        names = [each.removeprefix("-") for each in wanted]
        if len(set(names)) < len(names) or not self.sorts.keys() >= set(names):
            known = ", ".join(self.sorts)
            several = "; commas separate several" if len(self.sorts) > 1 else ""
            raise BadParameter(
                f"sort must be one of {known}, with - before it for descending{several}", parameter="sort"
            )
        return wanted

    def _cached(self, key: Hashable, build: Callable[[], Select[Any]]) -> KeptStatement:
        statement = self._statements.get(key)
        if statement is None:
            if len(self._statements) >= STATEMENT_CACHE_SIZE:
                # Remove the oldest statement; another thread may be doing the same.
                with suppress(RuntimeError, StopIteration):
                    self._statements.pop(next(iter(self._statements)), None)
            statement = self._statements[key] = KeptStatement(build())
        return statement
