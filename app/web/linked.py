"""Listings whose rows also have the ids of related resources. These are read for a whole page in one statement."""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    FromClause,
    Row,
    Select,
    literal,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from app.persistence import Expression, in_values
from app.web.context import reader
from app.web.listing import Listing, ResourceObject


class Link(NamedTuple):
    """Where the ids of one relationship come from.

    ``name`` is the list in the row that they go into, ``near`` the column with the id of the row, ``far`` the column
    with the related id. ``order`` sorts them, ``table`` has these columns, and ``condition`` selects what the caller
    may see.
    """

    name: str
    near: Expression
    far: Expression
    order: Expression
    table: FromClause
    condition: ColumnElement[bool]


@dataclass(frozen=True, kw_only=True, eq=False)
class LinkedListing(Listing):
    """A listing whose rows have lists of ids besides their columns. ``links`` says where the caller's ids come from."""

    lists: Sequence[str]
    links: Callable[[], Iterable[Link]]

    def linked(self, conditions: Mapping[str, Any], source: Connection | Session | None = None) -> Any:  # noqa: ANN401
        """The row of ``one``, with its lists of ids."""
        return self._linked([self.one(conditions, source)], source)[0]

    def show(self, conditions: Mapping[str, Any], source: Connection | Session | None = None) -> ResourceObject:
        """The resource object of ``one``, with its lists of ids."""
        return self.shown(self.linked(conditions, source))

    def _some(self, identifiers: Iterable[str]) -> Sequence[Any]:
        return self._linked(super()._some(identifiers))

    def _completed(self, rows: Sequence[Row[Any]]) -> list[Any]:
        return self._linked(rows)

    def _linked(self, rows: Sequence[Row[Any]], source: Connection | Session | None = None) -> list[Any]:
        found: dict[str, dict[str, list[str]]] = {row.id: {name: [] for name in self.lists} for row in rows}
        if found:
            for near_id, name, far_id, _ in (source or reader()).execute(_statement(self.links(), list(found))):
                found[near_id][name].append(far_id)
        return [self._row_type(*row[: len(self.names)], **found[row.id]) for row in rows]

    @cached_property
    def _row_type(self) -> Any:  # noqa: ANN401 - a class made from the columns
        return namedtuple("LinkedRow", (*self.names, *self.lists))  # noqa: PYI024 - the names are known only here


def _statement(links: Iterable[Link], identifiers: Sequence[str]) -> CompoundSelect[Any]:
    parts: Iterable[Select[*tuple[Any, ...]]] = (
        select(
            link.near.label("near_id"),
            literal(link.name).label("list"),
            link.far.label("far_id"),
            link.order.label("position"),
        )
        .select_from(link.table)
        .where(in_values(link.near, identifiers), link.condition)
        for link in links
    )
    return union_all(*parts).order_by(literal_column("position"), literal_column("far_id"))
