"""Pages of lists: what an answer says of the rows that a listing has read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement
from werkzeug.datastructures import MultiDict

from app.jsonapi.query import (
    CursorPage,
    Page,
    cursor_page_links,
    last_page,
    page_links,
    page_meta,
    uncounted_page_links,
    uncounted_page_meta,
)
from app.persistence import AnyRow
from app.web import cursors
from app.web.addresses import page_url
from app.web.filters import FilterClause


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request wants of a list: its parents and parameters, and conditions of the view."""

    parents: Mapping[str, Any]
    arguments: MultiDict[str, str]
    extra_filters: Sequence[FilterClause] = ()
    visible_where: ColumnElement[bool] | None = None

    @property
    def named(self) -> Mapping[str, list[str]]:
        """The parameters, as links repeat them."""
        return self.arguments.to_dict(flat=False)


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of a page, and what its document says beside them."""

    rows: Sequence[AnyRow]
    links: Mapping[str, str | None]
    meta: Mapping[str, Any]


def counted_page(page: Page | None, wanted: Wanted, rows: Sequence[AnyRow], *, by_status: bool) -> Found:
    """The page, or all rows, with the counts that each row has; ``by_status`` shows both of them."""
    # A page past the end has one row with only the counts.
    first = rows[0]
    rows, total = ([] if first.id is None else rows), first.matching_count
    meta: dict[str, Any] = {"status-counts": {"total": first.visible_count, "matching": total}} if by_status else {}
    if page is None:
        return Found(rows, {}, meta)
    meta["pagination"] = page_meta(page, total)
    return Found(rows, page_links(page_url(), wanted.named, page, last_page(page, total)), meta)


def uncounted_page(page: Page, wanted: Wanted, rows: Sequence[AnyRow]) -> Found:
    """The page without totals; a row more than it can have says that the list goes on."""
    has_more = len(rows) > page.size
    links = uncounted_page_links(page_url(), wanted.named, page, has_more=has_more)
    return Found(rows[: page.size], links, {"pagination": uncounted_page_meta(page, has_more=has_more)})


def page_by_cursor(page: CursorPage, wanted: Wanted, rows: Sequence[AnyRow], sort: Sequence[str], keys: int) -> Found:
    """The page of rows that come in the direction of the walk, each with the values of so many sort keys."""
    has_more, rows = len(rows) > page.size, rows[: page.size]
    if page.is_backward:
        rows = rows[::-1]
    names = [f"order_{index}" for index in range(keys)]
    ends = [cursors.encode(sort, [getattr(row, name) for name in names]) for row in (*rows[:1], *rows[-1:])]
    return Found(rows, cursor_page_links(page_url(), wanted.named, page, ends, has_more=has_more), {})
